"""The made-up nation that linkage is measured on, and the scores: what a stranger has to believe before the figures mean anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.linkage import generic, scores, shares, standardised
from benchmarks.linkage.errors import MODELS
from benchmarks.linkage.people import DENSE_YEARS
from benchmarks.linkage.world import World, world
from transforms.persons.standardise import EVIDENCE

CARDS = 20_000


@pytest.fixture(scope="module")
def train() -> World:
    return world(CARDS, seed=1)


def pairs_of_one_person(of: World) -> pl.DataFrame:
    cards = of.cards.with_columns(of.truth["person"], number=pl.col("card_number").str.slice(-10)).with_row_index()
    several = cards.filter(pl.len().over("person") > 1)
    return several.join(several, on="person", suffix="_other").filter(pl.col("index") < pl.col("index_other"))


def test_the_same_arguments_make_the_same_cards(train: World) -> None:
    again = world(CARDS, seed=1)
    assert_frame_equal(train.cards, again.cards)
    assert_frame_equal(train.truth, again.truth)
    assert not world(CARDS, seed=2).cards.equals(train.cards)


def test_cards_have_the_columns_that_linkage_reads_and_numbers_of_their_own(train: World) -> None:
    assert {"card_number", "period", "received_rank", *EVIDENCE} <= set(train.cards.columns)
    assert train.cards["card_number"].is_unique().all()
    assert set(train.cards["card_number"].str.len_chars().unique()) == {10, 15}
    assert train.truth["card_number"].equals(train.cards["card_number"])


def test_a_ten_digit_card_is_never_anothers_fifteen(train: World) -> None:
    tails = train.cards.select(
        train.truth["person"], number=pl.col("card_number").str.slice(-10), short=pl.col("card_number").str.len_chars() == 10
    )
    assert tails.filter(pl.col("short").any().over("number") & (pl.len().over("number") > 1)).is_empty()


def test_what_two_cards_of_one_person_share(train: World) -> None:
    pairs = pairs_of_one_person(train)
    same_id = (pl.col("citizen_id") == pl.col("citizen_id_other")).fill_null(False)
    numbers = [(a, f"{b}_other") for a in ("number", "social_insurance_number") for b in ("number", "social_insurance_number")]
    same_number = pl.any_horizontal((pl.col(a) == pl.col(b)).fill_null(False) for a, b in numbers)
    share = pairs.select(id=same_id.mean(), number=same_number.mean(), neither=(~same_id & ~same_number).mean()).row(0, named=True)
    assert len(pairs) / CARDS == pytest.approx(0.105, abs=0.01)
    assert share == pytest.approx({"id": 0.34, "number": 0.35, "neither": 0.43}, abs=0.04)


def test_the_world_of_the_study_has_the_shares_that_the_study_tells(tmp_path: Path) -> None:
    made = world(CARDS, seed=2, errors="study")
    made.cards.write_parquet(tmp_path / "cards.parquet")
    made.truth.write_parquet(tmp_path / "truth.parquet")
    standardised.write(tmp_path)
    found = shares.reached(tmp_path)
    # Both counts of people who are alike by chance grow with the nation: they are compared at a million cards (docs/linkage.md).
    by_chance = "people with a namesake of the same birth date", "CCCDs on cards of several people, of a million cards"
    close = {what: value for what, value in found.items() if what not in by_chance}
    told = {what: value for what, value in shares.STUDY.items() if what not in by_chance}
    assert close == pytest.approx(told, abs=0.04)


def test_surnames_are_as_common_as_in_the_nation(train: World) -> None:
    surname = train.cards["full_name"].str.normalize("NFD").str.replace_all(r"\p{M}", "").str.to_lowercase().str.extract(r"^(\S+)")
    share = dict(surname.value_counts(normalize=True).iter_rows())
    assert share["nguyen"] == pytest.approx(0.384, abs=0.03)
    assert share["tran"] == pytest.approx(0.11, abs=0.02)
    assert share["le"] == pytest.approx(0.095, abs=0.02)


def test_errors_come_at_their_rates(train: World) -> None:
    cards = train.cards
    twelve = cards.filter(pl.col("citizen_id").str.len_chars() == 12)
    agrees = twelve.filter(pl.col("citizen_id").str.slice(4, 2) == pl.col("birth_date").dt.strftime("%y")).height / twelve.height
    placeholders = cards.filter(pl.col("citizen_id").str.contains(r"^(0{12}|1{12}|9{12}|0?12345678\d+)$")).height / twelve.height
    assert 0.96 < agrees < 0.995
    assert placeholders == pytest.approx(0.003, abs=0.002)
    assert 0.001 < (cards["birth_precision"] == "year").mean() < 0.03
    assert (cards["sex"] == "3").mean() == pytest.approx(0.001, abs=0.001)


def test_the_second_error_model_knows_kinds_that_the_first_does_not() -> None:
    kinds = ("abbreviated", "spoken", "truncated", "nickname", "age_of_conception", "day_early")
    assert all(getattr(MODELS["train"], kind) == 0 and getattr(MODELS["test"], kind) > 0 for kind in kinds)
    other = world(5_000, seed=1, errors="test").cards
    assert other.filter(pl.col("full_name").str.contains(r"\((?:T|B|Ú|N|C)")).height > 0
    assert other.filter(pl.col("full_name").str.contains(r"^\S\. ")).height > 0


def test_dense_births_lie_in_four_years_a_quarter_of_the_people_each() -> None:
    dense = world(CARDS, seed=1, dense=True)
    years = dict(dense.cards["birth_date"].dt.year().value_counts(normalize=True).iter_rows())
    assert sum(years[year] for year in DENSE_YEARS) > 0.98
    assert all(years[year] == pytest.approx(0.25, abs=0.02) for year in DENSE_YEARS)


#            cards  0  1  2  3  4  5
TRUTH = np.array([0, 0, 0, 1, 1, 2])
FOUND = np.array([7, 7, 8, 8, 8, 9])


def test_pairs() -> None:
    # said: 01 23 24 34; true: 01 02 12 34; right: 01 34
    assert scores.pair_scores(FOUND, TRUTH) == pytest.approx({"precision": 2 / 4, "recall": 2 / 4, "f1": 0.5})


def test_b_cubed() -> None:
    precision = (1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6
    recall = (2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6
    f1 = 2 * precision * recall / (precision + recall)
    assert scores.b_cubed(FOUND, TRUTH) == pytest.approx({"precision": precision, "recall": recall, "f1": f1})


EDGES = pl.DataFrame({"left": [0, 3, 1, 2], "right": [1, 4, 2, 3], "weight": [10.0, 8.0, 6.0, 4.0]})


def test_the_curve_closes_over_components_and_recall_is_read_off_it() -> None:
    points = scores.curve(EDGES, TRUTH, thresholds=[4.0, 6.0, 8.0, 10.0])
    assert points.select("threshold", "precision", "recall").rows() == [
        (10.0, 1.0, 1 / 4),
        (8.0, 1.0, 2 / 4),
        (6.0, 1.0, 1.0),  # 0-1-2 are one component: three pairs from two edges
        (4.0, 4 / 10, 1.0),
    ]
    assert scores.recall_at(points, 0.999) == 1.0
    assert scores.recall_at(points.filter(pl.col("threshold") < 6), 0.999) == 0.0
    assert scores.best(points)["threshold"] == 6.0


def test_calibration_compares_a_weight_with_how_often_it_is_right() -> None:
    truth = np.array([0, 0] * 100 + [1, 2] * 100)  # the first hundred pairs are true, the others not
    edges = pl.DataFrame({"left": range(0, 400, 2), "right": range(1, 400, 2), "weight": [3.0] * 200})
    bins = scores.calibration(edges, truth)
    assert bins.select("from_bits", "pairs", "observed").rows() == [(2.0, 200, 0.5)]
    assert bins["expected"].item() == pytest.approx(8 / 9)
    assert scores.calibration_error(bins) == pytest.approx(8 / 9 - 0.5)


def test_a_person_with_two_verified_citizen_ids_counts_unless_they_are_a_digit_apart() -> None:
    found = np.array([1, 1, 2, 2, 3, 3, 4, 4])
    citizen = pl.Series([1080000001, 1080000002, 1080000001, 1080000077, 5, 900, 7, None])
    verified = pl.Series([True, True, True, True, True, False, True, False])
    assert scores.two_citizens(found, citizen, verified) == 1


def test_any_records_link_by_a_mapping_of_their_fields() -> None:
    rng = np.random.default_rng(1)
    people = 300
    first = [f"{a}{b}" for a, b in zip(rng.choice(["anna", "berta", "carla", "dora", "emma"], people), range(people), strict=True)]
    birth = rng.integers(1920, 1999, people) * 10_000 + rng.integers(1, 13, people) * 100 + rng.integers(1, 29, people)
    last = rng.choice(["ahn", "beck", "cohn", "dietz"], people)
    base = pl.DataFrame({"source": "a", "person": range(people), "first": first, "last": last, "birth": birth.astype(str)})
    again = base.with_columns(source=pl.lit("b"), last=pl.when(pl.col("person") % 10 == 0).then(pl.lit("x")).otherwise("last"))
    records = pl.concat([base, again])
    fields = (generic.Field("first", "name"), generic.Field("last", "name", True), generic.Field("birth", "date"))
    mapped = generic.Mapped(fields, ((pl.col("birth"),), (pl.col("first"),)))
    edges = generic.linked(records, mapped, classes=2).filter(pl.col("weight") >= generic.MERGE_BITS)
    truth = records["person"].to_numpy()
    found = scores.components(records.height, edges["left"].to_numpy(), edges["right"].to_numpy())
    assert scores.pair_scores(found, truth)["f1"] > 0.99
