"""The eight exports of the landing zone, by the folder that they arrive in."""

from expectations.declare import Table
from expectations.exports.budgets import BUDGETS
from expectations.exports.cards import CARDS
from expectations.exports.claims import CLAIM_LINES, CLAIMS
from expectations.exports.employers import EMPLOYERS
from expectations.exports.enterprises import ENTERPRISES
from expectations.exports.facilities import FACILITIES
from expectations.exports.population import POPULATION
from expectations.exports.targets import TARGETS

# In the order in which they are read: facilities first, since rules of cards and claims look facilities up.
EXPORTS: tuple[Table, ...] = (FACILITIES, CARDS, CLAIMS, EMPLOYERS, ENTERPRISES, POPULATION, TARGETS, BUDGETS)
BY_FOLDER: dict[str, Table] = {t.folder: t for t in EXPORTS}
BY_NAME: dict[str, Table] = {t.name: t for t in EXPORTS}

# Registers are snapshots of one province and month; only they need both to be known.
REGISTERS = (CARDS, FACILITIES)

__all__ = ["BY_FOLDER", "BY_NAME", "CLAIM_LINES", "EXPORTS", "REGISTERS"]
