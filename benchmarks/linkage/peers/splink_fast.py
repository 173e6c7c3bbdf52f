"""Splink 5 on DuckDB as an expert would tune it for speed: the peer of `transforms.persons`.

    .peers/bin/python benchmarks/linkage/peers/splink_fast.py FOLDER

reads `standardised.parquet` of FOLDER, trains a model without labels, scores the pairs of the tight blocking rules and writes
`splink_edges.parquet`: `left`, `right` (cards, left < right), `weight` (bits), and what the veto rules look at. Prints its seconds as JSON.

What is tuned: Levenshtein instead of Damerau-Levenshtein (ten times as fast in DuckDB), blocking keys made beforehand as whole numbers, the
same tight rules that our own candidates come from, equality of parts of names by number, u by value counts where that is exact, EM on
blocks in which matches abound, no column kept that nobody needs. It runs inside this process and asks no other machine anything.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from splink import DuckDBAPI, Linker, SettingsCreator

LEAST_BITS = -3.0
RULES = (
    "l.citizen = r.citizen",
    "l.short_citizen = r.short_citizen",
    "l.insured = r.insured",
    "l.insured_too = r.insured",
    "l.insured = r.insured_too",
    "l.key_date_surname_given = r.key_date_surname_given",
    "l.key_date_given_province = r.key_date_given_province",
    "l.key_date_commune = r.key_date_commune",
    "l.key_name_year_province = r.key_name_year_province",
    "l.key_name_day_month_province = r.key_name_day_month_province",
    "l.key_name_commune = r.key_name_commune",
    "l.key_words_year_parts = r.key_words_year_parts",
    "l.key_words_year_commune = r.key_words_year_commune",
)
# Two numbers of `length` digits that differ in one digit.
_ONE_DIGIT = "hamming(lpad({0}_l::VARCHAR, {1}, '0'), lpad({0}_r::VARCHAR, {1}, '0')) = 1"


def _level(label: str, condition: str, **more: Any) -> dict[str, Any]:
    return {"sql_condition": condition, "label_for_charts": label, **more}


def _fixed(m: float | None = None, u: float | None = None) -> dict[str, Any]:
    """What an expert knows better than random pairs or blocked ones can say."""
    known = {} if m is None else {"m_probability": m, "fix_m_probability": True}
    return known if u is None else {**known, "u_probability": u, "fix_u_probability": True}


def _comparison(name: str, *levels: dict[str, Any], missing: str | None = None) -> dict[str, Any]:
    null = [_level("missing", missing, is_null_level=True)] if missing else []
    return {"output_column_name": name, "comparison_levels": [*null, *levels, _level("other", "ELSE")]}


def comparisons(same_number: dict[str, float]) -> list[dict[str, Any]]:
    """`same_number`: the chance that two different people's cards agree in a number, by column."""
    rare = {"tf_adjustment_column": "name", "tf_adjustment_weight": 1.0}  # the commoner of two spellings decides

    return [
        _comparison(
            "name",
            _level("same", "name_l = name_r", **rare),
            _level("same but for accents", "plain_id_l = plain_id_r", **rare),
            _level("same letters or words", "joined_id_l = joined_id_r OR ordered_id_l = ordered_id_r", **rare),
            _level("same surname and given name", "surname_id_l = surname_id_r AND given_id_l = given_id_r"),
            _level("same given name, misspelt", "given_id_l = given_id_r AND levenshtein(plain_l, plain_r) <= 2"),
            _level("misspelt", "surname_id_l = surname_id_r AND levenshtein(plain_l, plain_r) <= 2"),
            _level("same given name", "given_id_l = given_id_r"),
            _level("same surname", "surname_id_l = surname_id_r"),
            missing="name_l IS NULL OR name_r IS NULL",
        ),
        _comparison(
            "date",
            _level("same", "birth_l = birth_r"),
            _level(
                "day and month swapped",
                "birth_l // 10000 = birth_r // 10000 AND day_month_l // 100 = day_month_r % 100 AND day_month_l % 100 = day_month_r // 100",
            ),
            _level("one digit off", _ONE_DIGIT.format("birth", 8)),
            _level("same year, one known no better", "year_l = year_r AND (vague_l OR vague_r)"),
            _level("same year", "year_l = year_r"),
            missing="year_l IS NULL OR year_r IS NULL",
        ),
        _comparison("sex", _level("same", "sex_l = sex_r"), missing="sex_l IS NULL OR sex_r IS NULL"),
        _comparison(
            "citizen",
            _level("same, verified", "citizen_l = citizen_r AND verified_l AND verified_r", **_fixed(u=same_number["verified"])),
            _level("same", "citizen_l = citizen_r OR short_citizen_l = short_citizen_r", **_fixed(u=same_number["citizen"])),
            _level("one digit off", _ONE_DIGIT.format("citizen", 12), **_fixed(u=1e-7)),
            _level("different, both verified", "citizen_l <> citizen_r AND verified_l AND verified_r", **_fixed(m=0.003)),
            missing="(citizen_l IS NULL OR citizen_r IS NULL) AND (short_citizen_l IS NULL OR short_citizen_r IS NULL)",
        ),
        _comparison(
            "insured",
            _level(
                "same",
                "insured_l = insured_r OR insured_too_l = insured_r OR insured_l = insured_too_r OR insured_too_l = insured_too_r",
                **_fixed(u=same_number["insured"]),
            ),
            missing="insured_l IS NULL OR insured_r IS NULL",
        ),
        _comparison(
            "place",
            _level("same household", "household_l = household_r"),
            _level("same address", "commune_l = commune_r AND address_l = address_r", **_fixed(u=1e-6)),
            _level("same commune", "commune_l = commune_r"),
            _level("same old province", "province_l = province_r AND old_province_l = old_province_r"),
            _level("same province", "province_l = province_r"),
            missing="province_l IS NULL OR province_r IS NULL",
        ),
    ]


def link(folder: Path) -> dict[str, float]:
    """Seconds by step; the edges are left in the folder."""
    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def took(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[step], last = now - last, now

    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = false")
    cards = str(folder / "standardised.parquet")
    con.execute("CREATE TABLE cards AS SELECT card AS unique_id, * EXCLUDE (card, accents, parts) FROM read_parquet(?)", [cards])
    count = con.execute("SELECT count(*) FROM cards").fetchone()[0]
    took("read")

    # Of the few cards that share a number nearly all are one person's; strangers share one in about a thousand of these.
    same = con.execute(
        """SELECT (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) n FROM cards WHERE citizen IS NOT NULL GROUP BY citizen)),
                  (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) n FROM cards GROUP BY insured))"""
    ).fetchone()
    pairs = count * (count - 1) / 2
    of_strangers = {"citizen": 0.03 * max(same[0], 1), "verified": 0.003 * max(same[0], 1), "insured": 0.001 * max(same[1], 1)}
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        blocking_rules_to_generate_predictions=[{"blocking_rule": rule, "sql_dialect": "duckdb"} for rule in RULES],
        comparisons=comparisons({column: count / pairs for column, count in of_strangers.items()}),
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        additional_columns_to_retain=["citizen", "verified", "insured", "insured_too", "short_citizen", "given"],
        probability_two_random_records_match=0.12 / count * 2,
        max_iterations=15,
        em_convergence=0.001,
    )
    api = DuckDBAPI(con)
    linker = Linker(api.register("cards"), settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, num_chunks=1, seed=1)
    took("u")
    for rule in ("l.citizen = r.citizen", "l.insured = r.insured", "l.key_date_surname_given = r.key_date_surname_given"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, fix_u_probabilities=True, estimate_without_term_frequencies=True, max_pairs=1e6
        )
    took("em")
    predicted = linker.inference.predict(threshold_match_weight=LEAST_BITS)
    took("predict")
    edges = predicted.as_duckdbpyrelation()
    con.register("predicted", edges)
    con.execute(
        f"""COPY (
            SELECT least(unique_id_l, unique_id_r) AS "left", greatest(unique_id_l, unique_id_r) AS "right", match_weight AS weight,
                   coalesce(levenshtein(given_l, given_r) <= 1, true) AS same_given_name,
                   coalesce(citizen_l = citizen_r, false) OR coalesce(short_citizen_l = short_citizen_r, false)
                       OR coalesce(insured_l = insured_r, false) OR coalesce(insured_too_l = insured_r, false)
                       OR coalesce(insured_l = insured_too_r, false) AS shared_number,
                   coalesce(citizen_l <> citizen_r AND verified_l AND verified_r
                       AND hamming(lpad(citizen_l::VARCHAR, 12, '0'), lpad(citizen_r::VARCHAR, 12, '0')) > 1, false) AS two_citizens
            FROM predicted
        ) TO '{folder / "splink_edges.parquet"}' (FORMAT parquet)"""
    )
    took("write")
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_weight=4.0)
    clusters.as_duckdbpyrelation().project("unique_id AS card, cluster_id AS person").to_parquet(str(folder / "splink_clusters.parquet"))
    took("cluster")
    linker.misc.save_model_to_json(str(folder / "splink_model.json"), overwrite=True)
    return seconds


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    print(json.dumps({"seconds": link(asked), "edges": pl.scan_parquet(asked / "splink_edges.parquet").select(pl.len()).collect().item()}))
