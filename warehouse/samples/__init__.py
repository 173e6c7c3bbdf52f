"""Sample exports from a simulated world, with the truth beside them."""

from warehouse.samples.produce import write

__all__ = ["write"]
