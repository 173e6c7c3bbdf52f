"""What bounds a figure, as profiles told it: shown below the entry's table in docs/performance.md.

CPU seconds, since they say the same on a busy machine. Whoever changes what they speak of measures again.
"""

BOUNDS = {
    "claims_xml": (
        "Where a core's time goes (4,000 claims in 100 files, `py-spy record -n`): the inner documents 48 % (their regular "
        "expression 22 %, UTF-8 decoding 6 %, looking for forbidden characters 5 %, the texts that are kept 6 %), file, "
        "envelope and base64 29 %, texts into frames 9 %, typing, rules and Parquet 14 %. So it is bounded by Python's `re` and "
        "by one string object a cell that is kept; below these only a reader in another language goes. One file of 5.0 GB "
        "(125,000 claims, once): 46 s, 108 MB/s a core, 451 MiB. Two cores: two processes of lxml beside each other get "
        "1.45 times one's throughput on this machine (medians of three), so its two cores share what they need; ours get as much. "
        "Batches are read largest first. A batch costs 0.1 s whatever is in it "
        "(some 190 small Polars queries), a file about 1 ms."
    ),
    "register_csv": (
        "Where it goes (1 M rows, 4.7 s of CPU): writing Parquet 1.0, cells to values 0.85, cells clean and NFC 0.55, bytes to "
        "cells 0.5, rules 0.5, quotes and blocks 0.5, places 0.25. dlt spends 9 to 10 s on the same file, its imports with it, "
        "keeps dates as text and checks no rule."
    ),
    "national": (
        "What standing cards cost a night that changes three in a hundred of them: 15 s of CPU with 300,000 standing, 22 s with "
        "1 M (of it Great Expectations' start 4, persons 2.8, who is insured 3.1, digests of registers 1.1, days of cards for "
        "claims 0.9), so some 10 s of CPU for each further million. "
        "Memory of the largest process grows by 0.4 GiB a million. Taking cards in the first time costs 41 s of "
        "CPU a million (reading 9, validating 11, linking all 16, build 4)."
    ),
    "person_months": (
        "Marts do not make the row for each month and person that is measured first: a card row says in two dates at which month ends it "
        "counts, a person's stretches of months do not overlap, and marts add up stretches before they meet the months. CPU of 1 M "
        "spans: who is insured by a card 2.0 s (of it writing the columns that marts count by 1.1, finding the person 0.7), where a "
        "person counts 0.9, a row for each month and person 2.7 (3.8 with the id as text), all seven marts 3.5 (most of it age and sex, "
        "and registered facility: 10,200 facilities times 300 stretches); `unnest(range)` 3.8. A night makes one month: both steps "
        "cost 1.7 s of CPU for 1 M cards. In a first build over 24 monthly registers, where no stretch is longer than a month, they cost "
        "a third more than a row for each month did: 1.9 s instead of 1.4 for 960,000 rows."
    ),
    "gx": (
        "With 300,000 cards the queries cost 0.55 s of CPU on either side and Great Expectations 0.2 to 0.3 more, however many rows "
        "there are: keeping and writing out results 0.1, looking up what an expectation asks for 0.1, connecting 0.05."
    ),
}
