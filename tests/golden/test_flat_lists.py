"""A night over a world in which some facilities send claims as flat lists too, or only so: nothing is lost, nothing counted twice."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.conftest import RunNight
from tests.golden.conftest import FEW_PROVINCES
from tests.golden.published import Published, keyed_pairs
from tests.golden.test_truth import COUNTS, MARTS, OF_PERSONS, SIGNALS_OF_PERSONS, assert_alike
from warehouse.samples import write

CLAIM_MARTS = (
    "diagnosis_month", "facility_cost_group_month", "facility_month", "facility_service_month", "province_claims_month", "referral_month",
)  # fmt: skip
# Months in which the lists 01/BH take the place of 79a and 80a (TT 12/2026, from 2026-04-01), and 2024, which the world holds anyway.
MONTHS = (date(2026, 3, 1), date(2026, 4, 1))


@pytest.fixture(scope="module")
def with_lists(tmp_path_factory: pytest.TempPathFactory, run_night: RunNight) -> Published:
    out = tmp_path_factory.mktemp("lists")
    write(out, persons=600, months=MONTHS, seed=3, provinces=FEW_PROVINCES, visits_per_person_year=3.0, flat_lists=True)
    lists = out / "landing" / "hospitals" / "claims" / "danh_sach"
    heading, *rows = next(lists.glob("79a_*.csv")).read_text(encoding="utf-8-sig").splitlines()
    spoilt = [row.split(";") for row in rows]
    spoilt[0][heading.split(";").index("T_BHTT")] = "một triệu"
    bad = lists / "loi"
    bad.mkdir()
    (bad / "held.csv").write_text("\n".join([heading, *map(";".join, spoilt)]), encoding="utf-8")
    (bad / "refused.csv").write_text("\n".join([heading.replace("T_BHTT", "TIEN"), *rows]), encoding="utf-8")
    (bad / "again.csv").write_text("\n".join([heading, *reversed(rows)]), encoding="utf-8")
    return Published(out / "data", out, run_night(out / "data", out / "landing"))


@pytest.mark.parametrize("name", CLAIM_MARTS)
def test_a_mart_of_claims_is_the_truth(with_lists: Published, name: str) -> None:
    # The lists of facilities of such a late world have only the new codes of some stations, whose claims of 2024 are under the old ones.
    table, truth = MARTS[name], with_lists.truth(name).drop("facility_level", "ownership", strict=False)
    assert not truth.is_empty()
    assert_alike(keyed_pairs(truth, with_lists.tables[table.qualified_name], table), table, OF_PERSONS)


def test_a_claim_of_a_list_raises_no_signal_for_want_of_lines(with_lists: Published) -> None:
    table, mart = MARTS["claim_signals_month"], with_lists.tables["marts.claim_signals_month"]
    of_claims = ~pl.col("signal").is_in(SIGNALS_OF_PERSONS)
    assert_alike(keyed_pairs(with_lists.truth(table.name).filter(of_claims), mart.filter(of_claims), table), table, {})


def test_every_list_is_loaded_whole_and_part_of_it_counts(with_lists: Published) -> None:
    of_claims = pl.col("export") == "claims"
    sent = with_lists.truth("deliveries").filter(of_claims).select("path", *COUNTS).sort("path")
    received = with_lists.tables["quality.deliveries"].filter(of_claims).select("path", *COUNTS).sort("path")
    received = received.filter(~pl.col("path").str.contains("/loi/"))
    assert received.cast(sent.schema).equals(sent)
    lists = sent.filter(pl.col("path").str.contains("danh_sach"))
    assert set(lists["path"].str.extract(r"([a-z0-9]+)_\d{5}_\d{6}\.")) == {"79a", "01bh"}
    assert set(lists["path"].str.extract(r"\.(\w+)$")) == {"xlsx", "csv", "xml"}
    counted = with_lists.tables["facts.claim"].group_by("source_form").len()
    of_lists = dict(counted.filter(pl.col("source_form") != "xml").rows())
    assert set(of_lists) == {"79a", "80a", "01bh"}
    assert 0 < sum(of_lists.values()) < lists["records_read"].sum()


def test_bad_lists_are_held_or_refused_and_one_sent_twice_counts_once(with_lists: Published) -> None:
    """That they change no mart, the tests above say."""
    deliveries = with_lists.tables["quality.deliveries"].filter(pl.col("path").str.contains("/loi/")).sort("path")
    again, held, refused = deliveries.iter_rows(named=True)
    rows = again["records_read"]
    assert rows > 1
    assert [again[c] for c in COUNTS] == ["loaded", rows, rows, 0, 0]
    assert [held[c] for c in COUNTS] == ["held", rows, rows - 1, 1, 0]
    assert [refused[c] for c in COUNTS] == ["refused", 0, 0, 0, 0]
    assert "T_BHTT" in refused["reason"]
    broken = with_lists.tables["quality.quarantine"].filter(pl.col("delivery_id") == held["delivery_id"])
    assert broken.select("row_number", "rule").rows() == [(2, "claims.fund_paid.unreadable")]
