"""What the morning report tells, asked of a published version: numbers only, no words and no drawing.

Every figure is a mart's own or a sum of its rows; `tests/golden/test_reports.py` keeps it so. A sum with a hidden part (a public
copy has NULL where a count was small) is hidden too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

import duckdb

from flows.report import queries
from flows.report.grades import Delivered

MONTHS_SHOWN = 24
LISTED = 12  # facilities, waiting deliveries, rules: as many as a person reads in the morning; the rest is counted
PROVINCES = 34


@dataclass(frozen=True)
class Snapshot:
    """Which version it is."""

    run_id: str
    built_at: datetime
    months_from: date | None
    months_to: date | None


@dataclass(frozen=True)
class Month:
    """The nation in one month (`marts.coverage_nation_month`)."""

    month: date
    insured: int | None
    population: int | None
    population_year: int | None
    coverage: float | None
    target: float | None
    gap: float | None
    to_target: int | None
    duplicates: int | None
    provinces: int


@dataclass(frozen=True)
class Province:
    """One province in the latest month (`marts.coverage_province_month`); rates in percent."""

    code: str
    name: str
    insured: int | None
    coverage: float | None
    target: float | None
    gap: float | None
    to_target: int | None
    change: float | None  # points against the month before
    register_month: date | None


@dataclass(frozen=True)
class Published:
    """A published national rate (`marts.national_series`), and ours at the same month where we have one."""

    month: date
    rate: float
    certain: bool
    basis: str | None
    source: str
    ours: float | None


@dataclass(frozen=True)
class Group:
    """Insured persons of one payer group, or plan group, in the latest month. Targets are those of the provinces that have one."""

    code: str | None
    insured: int | None
    before: int | None
    share: float | None
    target_low: float | None
    target_high: float | None
    provinces_with_target: int


@dataclass(frozen=True)
class Claims:
    """The nation's claims in one claim month (sums of `marts.facility_month`)."""

    month: date
    visits: int | None
    fund_paid: Decimal | None
    total_cost: Decimal | None


@dataclass(frozen=True)
class Facility:
    """One facility in the latest claim month and the one before."""

    code: str
    name: str | None
    province: str | None
    visits: int | None
    fund_paid: Decimal | None
    before: Decimal | None
    change: Decimal | None
    by_spending: int  # rank
    by_change: int


@dataclass(frozen=True)
class Waiting:
    """A delivery that waits for a person or for its sender."""

    delivery_id: str
    export: str | None
    path: str
    status: str
    reason: str | None
    received_at: datetime


@dataclass(frozen=True)
class Broken:
    """A rule that rows of the newest deliveries break; `delivery` is a mart's name for a rule of a mart."""

    rule: str
    severity: str
    failed: int
    checked: int
    deliveries: int


@dataclass(frozen=True)
class Arrived:
    """What the newest deliveries were, by status, and their records."""

    received_at: datetime | None = None
    deliveries: dict[str, int] = field(default_factory=dict)
    read: int = 0
    loaded: int = 0
    quarantined: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class Figures:
    """All that a page shows. `provinces`: the furthest below its target first."""

    snapshot: Snapshot | None
    months: tuple[Month, ...] = ()
    provinces: tuple[Province, ...] = ()
    published: tuple[Published, ...] = ()
    payer_groups: tuple[Group, ...] = ()
    plan_groups: tuple[Group, ...] = ()
    under_six: tuple[int | None, int | None] = (None, None)  # insured, population
    claims: tuple[Claims, ...] = ()  # latest claim month and the one before
    facilities: tuple[Facility, ...] = ()  # by spending in the latest claim month
    changes: tuple[Facility, ...] = ()  # by change against the month before
    grades: tuple[Delivered, ...] = ()
    arrived: Arrived = Arrived()
    waiting: tuple[Waiting, ...] = ()
    waiting_count: int = 0
    broken: tuple[Broken, ...] = ()
    broken_count: int = 0
    mart_warnings: tuple[Broken, ...] = ()
    public: bool = False

    @property
    def latest(self) -> Month | None:
        return self.months[-1] if self.months else None

    @property
    def before(self) -> Month | None:
        """The calendar month before the latest."""
        if len(self.months) < 2:
            return None
        latest, earlier = self.months[-1].month, self.months[-2]
        return earlier if (latest.year * 12 + latest.month) - (earlier.month.year * 12 + earlier.month.month) == 1 else None


def read(connection: duckdb.DuckDBPyConnection, *, public: bool = False) -> Figures:
    """Ask the version that `connection` has open; a public copy holds no `quality`, so its page tells nothing of deliveries."""
    snapshots = _rows(connection, queries.SNAPSHOT, Snapshot)
    ranked = _rows(connection, queries.FACILITIES, Facility, LISTED, LISTED)
    under_six = connection.execute(queries.UNDER_SIX).fetchone()
    told = Figures(
        snapshot=snapshots[0] if snapshots else None,
        months=tuple(reversed(_rows(connection, queries.MONTHS, Month, MONTHS_SHOWN))),
        provinces=_rows(connection, queries.PROVINCES, Province),
        published=_rows(connection, queries.PUBLISHED, Published),
        payer_groups=_rows(connection, queries.GROUPS, Group, "payer"),
        plan_groups=_rows(connection, queries.GROUPS, Group, "plan"),
        under_six=(under_six[0], under_six[1]) if under_six else (None, None),
        claims=_rows(connection, queries.CLAIMS, Claims),
        facilities=tuple(f for f in ranked if f.fund_paid is not None and f.by_spending <= LISTED),
        changes=tuple(sorted((f for f in ranked if f.change and f.by_change <= LISTED), key=lambda f: f.by_change)),
        public=public,
    )
    if public:
        return told
    waiting, broken = _rows(connection, queries.WAITING, Waiting), _rows(connection, queries.BROKEN, Broken)
    return Figures(
        **{**told.__dict__,
           "grades": _rows(connection, queries.DELIVERED, Delivered),
           "arrived": _arrived(connection),
           "waiting": waiting[:LISTED], "waiting_count": len(waiting),
           "broken": broken[:LISTED], "broken_count": len(broken),
           "mart_warnings": _rows(connection, queries.MART_WARNINGS, Broken)}
    )  # fmt: skip


_Row = TypeVar("_Row")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, row: type[_Row], *values: object) -> tuple[_Row, ...]:
    return tuple(row(*r) for r in connection.execute(sql, list(values)).fetchall())


def _arrived(connection: duckdb.DuckDBPyConnection) -> Arrived:
    rows = connection.execute(queries.ARRIVED).fetchall()
    if not rows:
        return Arrived()
    return Arrived(rows[0][0], {r[1]: r[2] for r in rows}, *(sum(r[i] for r in rows) for i in range(3, 7)))
