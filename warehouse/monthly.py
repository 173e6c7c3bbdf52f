"""Which tables are made month by month, what a month of each depends on, and from that the fingerprint of each part.

A table named here has, for each of its parts, a fingerprint of what that part alone is made from: its query and all steps that it reads,
the reference tables, and for every given relation a digest of the months that it looks at (`steps.digest_…`; where there is none,
the whole relation). A part whose fingerprint is that of the previous version is taken over. A table that is not named here is made
whole when anything that it reads has changed: slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from warehouse.fingerprints import sha256
from warehouse.sql_files import queries

REGISTERS, CLAIMS = "registers", "claims"  # families: tables that are made from the same monthly steps


Digests = Mapping[str, Mapping[date, str]]  # digest step → month → digest


@dataclass(frozen=True)
class Monthly:
    """How the parts of one table hang on months.

    `domain` is the step whose months it has parts for. `ahead`: so many months after its own count too; `from_january`: those of the
    year before its own. `column`: what its months are months of in the family's steps; none: it reads no rows of them that are cut.
    `ignores`: given relations that reach it only through a digest that it has anyway.
    """

    family: str
    domain: str
    digests: Mapping[str, str] = field(default_factory=dict)
    ignores: tuple[str, ...] = ()
    column: str | None = "month"
    ahead: int = 0
    by_quarter: bool = False
    from_january: bool = False

    def part(self, month: date) -> str:
        return f"{month.year}-Q{(month.month + 2) // 3}" if self.by_quarter else f"{month:%Y-%m}"

    def months(self, part: str) -> list[date]:
        """The months that a part looks at; a quarter stands for its last month."""
        own = date(int(part[:4]), int(part[-1]) * 3, 1) if self.by_quarter else date.fromisoformat(f"{part}-01")
        first = own.replace(month=1) if self.from_january else own
        last = after(own, self.ahead)
        return [after(first, n) for n in range((last.year - first.year) * 12 + last.month - first.month + 1)]

    def needs(self, dirty: Iterable[str]) -> dict[str, set[date]]:
        """The months of the family's steps that parts are made from, by the column that they are months of."""
        return {self.column: {m for part in dirty for m in self.months(part)}} if self.column else {}


def after(month: date, months: int) -> date:
    """The first day of the month so many months later."""
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


_OF_REGISTERS = {
    "typed.cards": "steps.digest_registers",
    "persons.card_persons": "steps.digest_registers",
    "ledger.registers": "steps.digest_registers",
    "typed.population": "steps.digest_population",
    "typed.targets": "steps.digest_targets",
    "dims.facility": "steps.digest_facilities",
}
_OF_EMPLOYERS = _OF_REGISTERS | {"typed.employers": "steps.digest_employers", "typed.enterprises": "steps.digest_employers"}
_OF_CLAIMS = {
    **dict.fromkeys(("typed.claims", "typed.claim_lines", "typed.cards", "persons.card_persons"), "steps.digest_claims"),
    "dims.facility": "steps.digest_places",
}
_OF_SERVICES = {k: v.replace("digest_claims", "digest_services") for k, v in _OF_CLAIMS.items()}

# the employers' lists only add months to `steps.register_in_use`, which its digest tells
_COVERAGE = Monthly(REGISTERS, "steps.reported_month", _OF_REGISTERS, ignores=("typed.employers",))
_EMPLOYERS = Monthly(REGISTERS, "steps.digest_employers", _OF_EMPLOYERS, by_quarter=True)
# the budgets only add days to `steps.facility_place`, which its digest tells
_CARE = Monthly(CLAIMS, "steps.digest_claims", _OF_CLAIMS, ignores=("typed.budgets",))
_SERVICE = Monthly(CLAIMS, "steps.digest_services", _OF_SERVICES, ignores=("typed.budgets",), column="service_month")
_FUND = Monthly(CLAIMS, "steps.digest_claims", _OF_CLAIMS, column=None, by_quarter=True, from_january=True)

MONTHLY: dict[str, Monthly] = {
    "marts.coverage_province_month": _COVERAGE,
    "marts.coverage_nation_month": _COVERAGE,
    "marts.coverage_commune_month": _COVERAGE,
    "marts.coverage_group_month": _COVERAGE,
    "marts.coverage_age_sex_month": _COVERAGE,
    "marts.registration_level_month": _COVERAGE,
    "marts.duplicate_cards_month": _COVERAGE,
    "marts.lapse_month": replace(_COVERAGE, ahead=1),  # whether the holder is insured at the end of the next
    "marts.subsidy_end_month": replace(_COVERAGE, ahead=1),
    "marts.coverage_old_province_month": _COVERAGE,
    "marts.employer_compliance_quarter": _EMPLOYERS,
    "marts.employers_missing_quarter": _EMPLOYERS,
    "marts.facility_month": _CARE,
    "marts.facility_service_month": _SERVICE,
    "marts.facility_cost_group_month": _CARE,
    "marts.diagnosis_month": _CARE,
    "marts.referral_month": _CARE,
    "marts.province_claims_month": _CARE,
    "marts.claim_signals_month": _CARE,
    "marts.fund_quarter": _FUND,
    "facts.claim": _CARE,
    "facts.claim_cost": _CARE,
    "facts.claim_likely_person": replace(_CARE, digests=_OF_CLAIMS | {"persons.claim_persons": "steps.digest_likely_persons"}),
}

# The step of a family that is cut down to the months that the parts to be made look at, once the digests are known, so that what reads it
# does no more than it must (`Build._cut`).
CUT = {REGISTERS: "steps.register_in_use", CLAIMS: "steps.claim_counted"}


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of parts.

    `relations`: those of whole relations; `own`: of a query or declaration alone; `kept`: of parts of tables that
    this build has dealt with.
    """

    relations: Mapping[str, str]
    own: Mapping[str, str]
    digests: Digests
    kept: Mapping[str, Mapping[str, str]]

    def of_part(self, table_name: str, part: str) -> str:
        """The fingerprint of one part; of a table that is not made month by month that of the table."""
        monthly = MONTHLY.get(table_name)
        if monthly is None:
            return self.relations[table_name]
        months = monthly.months(part)
        said = [table_name, part, self.own[table_name], *(str(m) for m in months)]
        for name in sorted(steps_read(table_name)):
            said += [name, self.own[name]]
        for leaf in sorted(leaves(table_name)):
            said += [leaf, *self._of_leaf(monthly, leaf, part, months)]
        return sha256(*said)

    def _of_leaf(self, monthly: Monthly, leaf: str, part: str, months: Iterable[date]) -> list[str]:
        if leaf in monthly.ignores:
            return [self.own.get(leaf, "")]
        digest = monthly.digests.get(leaf)
        if digest is not None:
            return [self.own.get(leaf, ""), *(self.digests[digest].get(m, "none") for m in months)]
        other = MONTHLY.get(leaf)
        if other is not None and not other.by_quarter:
            kept = self.kept.get(leaf)
            return [self.of_part(leaf, other.part(m)) if kept is None else kept.get(other.part(m), "none") for m in months]
        return [self.relations[leaf]]


def in_order(tables: Collection[str]) -> list[str]:
    """Tables, each after those that it reads; the families one after the other, and then what is made whole and reads of them."""
    rank: dict[str, int] = {}
    for name in queries():
        own = (REGISTERS, CLAIMS).index(MONTHLY[name].family) + 1 if name in MONTHLY else 0
        whole = 3 if name in tables and name not in MONTHLY and not steps_read(name).isdisjoint(CUT.values()) else 0
        rank[name] = max([own, whole, *(rank[r] for r in leaves(name) if r in tables)])
    return sorted((n for n in queries() if n in tables), key=lambda n: rank[n])


@cache
def steps_read(name: str) -> frozenset[str]:
    """All steps that a table reads, also through others."""
    return frozenset(r for r in _read(name) if r.startswith("steps."))


@cache
def leaves(name: str) -> frozenset[str]:
    """What a table reads, itself or through steps, that is no step: given relations and other tables."""
    return frozenset(r for r in _read(name) if not r.startswith("steps."))


def _read(name: str) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for read in queries()[waiting.pop()].reads:
            if read not in seen:
                seen.add(read)
                if read.startswith("steps."):
                    waiting.append(read)
    return seen
