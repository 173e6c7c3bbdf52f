"""What is measured, a function a step; `python -m benchmarks.steps NAME ARGUMENTS` runs one in a process of its own.

A step that returns `seconds` has left out its start (imports, opening of files made for it); else the whole process counts.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

Step = Callable[..., dict[str, Any] | None]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    STEPS[function.__name__] = function
    return function


@contextmanager
def clock(said: dict[str, Any]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    said["seconds"] = time.perf_counter() - start


# ---- claims


@step
def take_in(landing: str, home: str, workers: str = "1") -> dict[str, Any]:
    """From file bytes to validated, typed, written Parquet: the part of a night that reads, without Prefect."""
    import shutil
    from concurrent.futures import ThreadPoolExecutor
    from datetime import datetime

    from flows.batches import batches
    from flows.night import Night
    from flows.processes import readers
    from warehouse.landing import scan
    from warehouse.settings import Settings

    shutil.rmtree(home, ignore_errors=True)
    settings = Settings(home=Path(home), landing=Path(landing), workers=int(workers))
    items = list(scan(settings.landing_dir, {}))
    night = Night(settings, datetime(2025, 10, 1))
    night.profiles, night.places  # noqa: B018 - once, before threads share them
    said: dict[str, Any] = {}
    with readers(settings, sum(x.size for x in items)) as reading:
        if int(workers) > 1:  # its processes start and load their libraries, once a night
            list(ThreadPoolExecutor(int(workers)).map(lambda _: reading.read(night, []), range(int(workers))))
        with clock(said), ThreadPoolExecutor(int(workers)) as threads:
            outcomes = [o for done in threads.map(lambda b: reading.read(night, b), batches(items)) for o in done]
    shutil.rmtree(home, ignore_errors=True)
    assert all(o.status == "loaded" for o in outcomes), {o.code for o in outcomes}
    return said | {"files": len(outcomes), "records": sum(o.records_loaded for o in outcomes), "bytes": sum(x.size for x in items)}


def _hosos(path: Path) -> Iterator[Any]:
    from lxml import etree

    for _, hoso in etree.iterparse(str(path), events=("end",), tag="HOSO", huge_tree=True):
        yield hoso
        hoso.clear()
        while hoso.getprevious() is not None:
            del hoso.getparent()[0]


@step
def envelope_and_base64(file: str) -> None:
    """lxml over the envelope and base64 of every document: what a reader cannot do without."""
    for hoso in _hosos(Path(file)):
        for content in hoso.iter("NOIDUNGFILE"):
            base64.b64decode(content.text)


@step
def lxml_every_element(file: str) -> None:
    """Every element of the three tables as texts by name, and those into frames: what a plain reader does."""
    import polars as pl
    from lxml import etree

    rows: dict[str, list[dict[str, str | None]]] = {}

    def framed() -> None:
        for some in rows.values():
            pl.DataFrame(some, infer_schema_length=None)
        rows.clear()

    for hoso in _hosos(Path(file)):
        for content in list(hoso.iter("NOIDUNGFILE"))[:3]:
            for record in etree.fromstring(base64.b64decode(content.text)).iter("TONG_HOP", "CHI_TIET_THUOC", "CHI_TIET_DVKT"):
                rows.setdefault(str(record.tag), []).append({str(e.tag): e.text for e in record})
        if sum(map(len, rows.values())) > 50_000:
            framed()
    framed()


# ---- registers


@step
def fastexcel_alone(file: str) -> dict[str, Any]:
    """The workbook's cells as text in a frame, nothing else."""
    import fastexcel

    said: dict[str, Any] = {}
    with clock(said):
        said["rows"] = fastexcel.read_excel(file).load_sheet(0, dtypes="string").to_polars().height
    return said


# ---- validation


@step
def great_expectations(home: str, work: str) -> dict[str, Any]:
    """The declared rules over a delivery through Great Expectations, its import and start apart."""
    from expectations.validation import Validator

    said, database, tables = _staged(home, work)
    validator = Validator()
    warm = validator.validate(database, [t for t in tables if t.name != "cards"], schema="staged", name="warm")
    assert warm is not None
    with clock(said):
        found = validator.validate(database, [t for t in tables if t.name == "cards"], schema="staged", name="cards")
    return said | {"failed": sum(r.failed or 0 for r in found), "rules": len(found)}


@step
def raw_sql(home: str, work: str) -> dict[str, Any]:
    """The same conditions as plain queries of DuckDB that return the keys of offending rows, and count them."""
    import duckdb

    said, database, tables = _staged(home, work)
    (cards,) = [t for t in tables if t.name == "cards"]
    keys, failed = ", ".join(cards.key), 0
    with duckdb.connect(str(database), read_only=True) as c, clock(said):
        for rule in cards.rules:
            failed += len(c.execute(f"SELECT {keys} FROM staged.cards AS cards WHERE {rule.offends}").to_arrow_table())
    return said | {"failed": failed, "rules": len(cards.rules)}


def _staged(home: str, work: str) -> tuple[dict[str, Any], Path, list[Any]]:
    from datetime import datetime

    from flows.night import Night
    from warehouse import staging
    from warehouse.ingest import ingest
    from warehouse.landing import scan
    from warehouse.settings import Settings

    settings = Settings(home=Path(work), landing=Path(home) / "landing")
    database = Path(work) / "rows.duckdb"
    night = Night(settings, datetime(2025, 10, 1))
    items = list(scan(settings.landing_dir, {}))
    outcomes = ingest(items, settings, night.places, night.profiles)
    database.unlink(missing_ok=True)
    tables = staging.stage(database, settings, outcomes, {x.delivery_id: x.export or "" for x in items}, night.ledger.deliveries())
    return {}, database, tables


# ---- person-months

WINDOW = (date(2024, 1, 1), date(2025, 12, 1))
# One span in fifty is the second card of the person before: most persons have one, some two, and of these one counts.
_SPANS = """
    CREATE TABLE spans AS
    SELECT
        i AS span,
        CASE WHEN i % 50 = 49 THEN i - 1 ELSE i END AS person,
        CASE WHEN i % 10 = 0 THEN DATE '1995-01-01' + (hash(i) % 3000)::INTEGER
             ELSE DATE '2023-01-01' + (hash(i) % 700)::INTEGER END AS valid_from,
        CASE WHEN i % 10 < 6 THEN DATE '9999-12-31' WHEN i % 10 < 8 THEN NULL
             ELSE DATE '2024-06-30' + (hash(i, 1) % 800)::INTEGER END AS valid_to
    FROM range({n}) AS r(i)
"""


def _spans(n: str) -> Any:
    import duckdb

    c = duckdb.connect()
    c.execute(_SPANS.replace("{n}", str(int(n))))
    return c


def _expected(c: Any) -> int:
    """Person-months by arithmetic: month ends of the window within each span, less those that two spans of a person share."""
    first, last = WINDOW
    ((found,),) = c.execute(
        """
        WITH numbered AS (
            SELECT
                person,
                datediff('month', $1, greatest(valid_from, $1)) AS first_month,
                datediff('month', $1, least(coalesce(valid_to + 1, $2 + 31), $2 + 31)) - 1 AS last_month
            FROM spans
        ),
        cards AS (
            SELECT *, lag(first_month) OVER same AS first_before, lag(last_month) OVER same AS last_before
            FROM numbered
            WINDOW same AS (PARTITION BY person ORDER BY first_month, last_month)
        )
        SELECT
            sum(greatest(0, last_month - first_month + 1))
            - sum(greatest(0, least(last_month, last_before) - greatest(first_month, first_before) + 1)) FILTER (first_before IS NOT NULL)
        FROM cards
        """,
        [first, last],
    ).fetchall()
    return int(found)


def _cards(c: Any) -> None:
    """The spans as rows of one register that is in use for the whole window, with places, groups and ages as various as real ones."""
    from expectations.exports import EXPORTS
    from warehouse import reference

    reference.load(c)
    c.execute(
        "CREATE SCHEMA typed; CREATE SCHEMA steps; CREATE SCHEMA persons; CREATE SCHEMA dims; CREATE SCHEMA marts; CREATE SCHEMA ledger"
    )
    for table in EXPORTS:
        columns = ", ".join(f"{f.name} {f.kind.duckdb}" for f in table.fields)
        c.execute(f"CREATE TABLE typed.{table.name} ({columns}, received_rank BIGINT, period DATE, register_province VARCHAR)")
    c.execute(
        """
        CREATE TABLE places AS
        SELECT row_number() OVER (ORDER BY code) - 1 AS number, code, province_code
        FROM reference.commune_units WHERE valid_to IS NULL
        """
    )
    c.execute(
        """
        INSERT INTO typed.cards BY NAME
        SELECT
            'a' AS delivery_id, span AS row_number, valid_from, valid_to,
            s.object_code || '4' || lpad(span::VARCHAR, 12, '0') AS card_number,
            p.province_code, p.code AS commune_code, s.object_code, (1 + hash(person, 2) % 2)::VARCHAR AS sex,
            DATE '1930-01-01' + (hash(person, 3) % 33000)::INTEGER AS birth_date,
            p.province_code || lpad((hash(person, 4) % 300)::VARCHAR, 3, '0') AS registered_facility,
            '0010' || lpad(person::VARCHAR, 8, '0') AS citizen_id
        FROM (
            SELECT
                *,
                ['DN', 'HS', 'TE', 'GD', 'GD', 'HT', 'CN', 'DT', 'BT', 'HN'][1 + (hash(span, 5) % 10)::INTEGER] AS object_code,
                (hash(person, 6) % 3300)::BIGINT AS place
            FROM spans
        ) AS s
        INNER JOIN places AS p ON p.number = s.place
        """
    )
    c.execute(
        """
        CREATE TABLE persons.card_persons AS
        SELECT card_number, card_number AS card_key, printf('P%015x', hash(citizen_id) >> 4) AS person_id FROM typed.cards
        """
    )
    c.execute(
        """
        CREATE TABLE steps.register_in_use AS
        SELECT
            'a' AS delivery_id, month::DATE AS month, last_day(month) AS month_end, true AS is_reported,
            '01' AS province_code, '01' AS register_province, DATE '2025-12-01' AS register_month
        FROM generate_series($1::TIMESTAMP, $2::TIMESTAMP, INTERVAL 1 MONTH) AS m(month)
        """,
        list(WINDOW),
    )


def _build(c: Any, name: str, ready: set[str]) -> None:
    """The warehouse's own SQL for a relation, after that for all that it reads."""
    from warehouse.sql_files import queries

    if name in ready or name not in queries():
        return
    for read in sorted(queries()[name].reads):
        _build(c, read, ready)
    c.execute(f"CREATE TABLE {name} AS {queries()[name].text}")
    ready.add(name)


@step
def person_months(n: str) -> dict[str, Any]:
    """The warehouse's own steps, and from them a row for each month and person: where he counts, and how many cards he holds.

    The person is a number here, as in the peer: his id, which is one written out.
    """
    c = _spans(n)
    _cards(c)
    said: dict[str, Any] = {}
    ready = {"steps.register_in_use"}
    with clock(said):
        for name in ("steps.insured_person_span", "steps.reported_month"):
            _build(c, name, ready)
        c.execute(
            """
            CREATE TABLE person_month AS
            SELECT months.month, people.person, people.province_code, people.valid_cards
            FROM (
                SELECT *, ('0x' || substr(person_id, 2))::BIGINT AS person  -- an id is P and sixty bits, as hexadecimal digits
                FROM steps.insured_person_span
            ) AS people
            INNER JOIN steps.reported_month AS months ON months.month_end BETWEEN people.first_month_end AND people.last_month_end
            """
        )
    ((found,),) = c.execute("SELECT count(*) FROM person_month").fetchall()
    expected = _expected(c)
    assert found == expected, (found, expected)
    return said | {"person_months": found}


COVERAGE = ("province", "nation", "commune", "group", "age_sex", "old_province")


@step
def coverage_marts(n: str) -> dict[str, Any]:
    """The same spans to the marts that count persons, as a build makes them: without a row for each month and person."""
    c = _spans(n)
    _cards(c)
    said: dict[str, Any] = {}
    marts = (*(f"marts.coverage_{name}_month" for name in COVERAGE), "marts.registration_level_month")
    ready = {"steps.register_in_use"}
    with clock(said):
        for name in marts:
            _build(c, name, ready)
    expected = _expected(c)
    for name in marts:
        ((found,),) = c.execute(f"SELECT sum(insured_persons) FROM {name}").fetchall()
        assert found == expected, (name, found, expected)
    return said | {"marts": len(marts)}


@step
def unnest_range(n: str) -> dict[str, Any]:
    """Every month of a span within the window, by `unnest(range(…))`: no choice between the cards of a person, numbers instead of texts."""
    c = _spans(n)
    said: dict[str, Any] = {}
    with clock(said):
        c.execute(
            """
            CREATE TABLE person_month AS
            SELECT person, valid_from, valid_to, unnest(range(
                greatest(date_trunc('month', valid_from), $1)::TIMESTAMP,
                least(coalesce(valid_to, $2), $2 + 31)::TIMESTAMP, INTERVAL 1 MONTH)) AS month
            FROM spans
            """,
            list(WINDOW),
        )
    ((found,),) = c.execute("SELECT count(*) FROM person_month").fetchall()
    return said | {"person_months": found}


# ---- what BI asks

BI_QUERIES = {
    "facility_month": (
        "SELECT month, facility_code, sum(visits) AS visits, sum(fund_paid) AS fund_paid FROM {marts.facility_month}"
        " WHERE province_code = ? GROUP BY ALL ORDER BY ALL"
    ),
    "claim_by_chapter": (
        "SELECT i.icd_chapter, count(*) AS claims, sum(c.fund_paid) AS fund_paid, avg(c.age_years) AS age FROM {facts.claim} AS c"
        " LEFT JOIN {dims.icd} AS i ON i.icd_code = left(c.main_icd, 3)"
        " WHERE c.month >= DATE '2025-01-01' AND left(c.facility_code, 2) >= ? GROUP BY ALL ORDER BY ALL"
    ),
}


@step
def bi_query(file: str, name: str, times: str, parquet: str = "") -> dict[str, Any]:
    """The 95th percentile of one query's time over so many askings, each of another province, on a connection that stays open."""
    import duckdb

    path = Path(file)
    query = BI_QUERIES[name]
    for table in ("marts.facility_month", "facts.claim", "dims.icd"):
        query = query.replace(f"{{{table}}}", f"read_parquet('{path.with_name(table)}.parquet')" if parquet else table)
    taken = []
    with duckdb.connect() if parquet else duckdb.connect(file, read_only=True) as c:
        for number in range(int(times)):
            start = time.perf_counter()
            c.execute(query, [f"{number % 34 + 1 if name == 'facility_month' else 0:02d}"]).fetchall()
            taken.append(time.perf_counter() - start)
    return {"seconds": sorted(taken)[int(len(taken) * 0.95) - 1] if len(taken) > 1 else taken[0]}


# ---- samples


@step
def make(out: str, claims: str, files: str, cards: str, changed: str, month: str, seed: str = "1") -> None:
    """A landing zone, added to what is there."""
    from warehouse.samples import large

    large.write(
        Path(out),
        claims=int(claims),
        files=int(files),
        cards=int(cards),
        changed=int(changed),
        month=date.fromisoformat(month),
        seed=int(seed),
    )


@step
def agrees(out: str, home: str) -> dict[str, Any]:
    """Whether the published figures of claims are those of the truth, to the đồng and the visit."""
    import duckdb

    money = "total_cost, covered_cost, self_paid, copayment, fund_paid, other_sources"
    with duckdb.connect(str(Path(home) / "warehouse" / "current" / "coverage.duckdb"), read_only=True) as c:
        truth = (
            f"SELECT month, facility_code, care_type, visits, {money} FROM read_parquet('{Path(out) / 'truth' / 'facility_month.parquet'}')"
        )
        months = f"SELECT DISTINCT month FROM ({truth})"
        got = f"SELECT month, facility_code, care_type, visits, {money} FROM marts.facility_month WHERE month IN ({months})"
        ((unlike,),) = c.execute(f"SELECT count(*) FROM (({truth} EXCEPT ALL {got}) UNION ALL ({got} EXCEPT ALL {truth}))").fetchall()
        ((visits, paid),) = c.execute(f"SELECT sum(visits), sum(fund_paid)::VARCHAR FROM ({got})").fetchall()
        seconds = dict(c.execute("SELECT step, seconds FROM quality.timings WHERE run_id = (SELECT run_id FROM meta.snapshot)").fetchall())
    assert unlike == 0, f"{unlike} facilities differ from the truth"
    return {"visits": int(visits), "fund_paid": paid, "steps": seconds}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    tempfile.tempdir = None
    told = STEPS[name](*arguments)
    if told is not None:
        sys.stdout.write(json.dumps(told, default=str) + "\n")
