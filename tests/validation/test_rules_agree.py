"""A row rule means one thing: Great Expectations, the quarantine and the counts find the same rows, for every rule of every export."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.declare import Severity
from expectations.exports import BY_NAME, EXPORTS
from expectations.quarantine import counts, reasons, split
from expectations.validation import RuleResult, Validator
from warehouse import reference

_spec = importlib.util.spec_from_file_location("validation_rows", Path(__file__).with_name("rows.py"))
assert _spec
assert _spec.loader
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)


@pytest.fixture(scope="module")
def staged() -> dict[str, pl.DataFrame]:
    return {t.name: rows.staged_rows(t.name) for t in EXPORTS}


@pytest.fixture(scope="module")
def database(staged: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rows.duckdb"
    with duckdb.connect(str(path)) as c:
        reference.load(c)
        c.execute("CREATE SCHEMA staged; CREATE SCHEMA known")
        c.execute("CREATE TABLE known.object_code AS SELECT DISTINCT object_code FROM reference.object_codes")
        c.execute("CREATE TABLE known.facility AS SELECT '22001' AS facility_code")
        for name, frame in staged.items():
            c.register("frame", frame)
            c.execute(f"CREATE TABLE staged.{name} AS SELECT * FROM frame")
            c.unregister("frame")
    return path


@pytest.fixture(scope="module")
def certified(database: Path) -> dict[str, RuleResult]:
    return {r.rule: r for r in Validator().validate(database, EXPORTS, schema="staged")}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_rule_is_broken_by_some_row(name: str, certified: dict[str, RuleResult]) -> None:
    silent = [r.name for r in BY_NAME[name].rules if certified[r.name].failed == 0]
    restored = [f"{name}.row.zeros_restored"] if name in rows.NEVER_RESTORED else []
    assert silent == restored


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_no_rule_fails_to_run(name: str, certified: dict[str, RuleResult]) -> None:
    assert [(r.name, certified[r.name].error) for r in BY_NAME[name].rules if certified[r.name].error] == []


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_sound_row_breaks_no_rule_but_the_one_on_double_rows(name: str, certified: dict[str, RuleResult]) -> None:
    broken = {r.name for r in BY_NAME[name].rules if ("d1", 1) in certified[r.name].rows}
    assert {b for b in broken if not b.endswith(".twice")} == set()


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_great_expectations_and_the_quarantine_name_the_same_rows(
    name: str, staged: dict[str, pl.DataFrame], certified: dict[str, RuleResult]
) -> None:
    table = BY_NAME[name]
    with duckdb.connect() as c:
        loaded, quarantined = split(c, staged[name], table)
    reported = {(row, rule.name) for rule in table.rules if rule.severity is Severity.ERROR for row in certified[rule.name].rows}
    kept = {((r["delivery_id"], r["row_number"]), r["rule"]) for r in reasons(quarantined, table).iter_rows(named=True)}
    assert reported == kept
    assert loaded.height + quarantined.height == staged[name].height


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_counts_are_those_of_great_expectations(name: str, database: Path, certified: dict[str, RuleResult]) -> None:
    table = BY_NAME[name]
    with duckdb.connect(str(database), read_only=True) as c:
        counted = counts(c, table).row(0, named=True)
    assert {r.name: counted[r.name] for r in table.rules} == {r.name: certified[r.name].failed for r in table.rules}
