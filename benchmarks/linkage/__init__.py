"""The linkage of `transforms.persons` beside its peers, on made-up cards whose persons are known and on public data sets."""
