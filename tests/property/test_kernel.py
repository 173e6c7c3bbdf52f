"""The compiled kernel and the plain way are one function: same pairs, same levels, whatever the parts and the workers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from transforms.persons import candidates as rules
from transforms.persons import encode, kernel, pinned
from transforms.persons.cluster import components
from transforms.persons.score import Scored, score
from transforms.persons.standardise import Records, standardise
from transforms.persons.weigh import chances

ROOT = Path(__file__).parent.parent.parent
SCHEMA = {
    "card_number": pl.String, "social_insurance_number": pl.String, "citizen_id": pl.String, "full_name": pl.String,
    "birth_date": pl.Date, "birth_precision": pl.String, "sex": pl.String, "province_code": pl.String, "old_province_code": pl.String,
    "commune_code": pl.String, "household": pl.String, "address": pl.String, "period": pl.Date, "received_rank": pl.Int64,
}  # fmt: skip

NAMES = (
    "Nguyễn Thị Lan", "Nguyen Thi Lan", "Nguyễn Thi Lan", "Nguyễn Lan", "Lan Nguyễn Thị", "NguyễnThịLan", "Nguyễn Thị Lam",
    "Nguyễn Thị Làn", "Nguyễn Ngọc Lan", "Nguyễn Thị Ngọc Lan", "Trần Thị Lan", "Trần Văn Hùng", "Trần Văn Hưng", "Trần Văn Hungg",
    "Trần Vân Hùng", "Lan", "Đỗ Ý", None,
)  # fmt: skip
DATES = (date(1980, 7, 3), date(1980, 3, 7), date(1980, 7, 8), date(1980, 1, 1), date(1986, 7, 3), date(1980, 11, 30), None)

row = st.fixed_dictionaries(
    {
        # Given out in Lào Cai (10), Hà Nội (01) and in what is Hồ Chí Minh City today (77).
        "card_number": st.builds(
            lambda n, province: f"DN401{province}{n % 7 + n * 10_007 // 10 * 10:08d}",
            st.integers(1, 40),
            st.sampled_from(("10", "10", "01", "77")),
        ),
        "social_insurance_number": st.sampled_from(("1000000001", "1000100071", "1000200141", None)),
        "citizen_id": st.sampled_from(
            ("001180112233", "001180112243", "001180998877", "001086555444", "077180112233", "013456781", "013456791", None)
        ),
        "full_name": st.sampled_from(NAMES),
        "birth_date": st.sampled_from(DATES),
        "birth_precision": st.sampled_from(("day", "day", "year")),
        "sex": st.sampled_from(("1", "2", None)),
        "province_code": st.sampled_from(("01", "79", None)),
        "old_province_code": st.sampled_from(("01", "02", None)),
        "commune_code": st.sampled_from(("00101", "00161", "00162", "26734", None)),
        "household": st.sampled_from(("0101234567", "0107654321", None)),
        "address": st.sampled_from(("Thôn 5, Xã A", "thôn 5", "Số 7 Lê Lợi", None)),
        "period": st.sampled_from((date(2025, 8, 1), date(2025, 9, 1))),
        "received_rank": st.just(1),
    }
)
registers = st.lists(row, min_size=2, max_size=30).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA))
EVERYTHING = -1_000.0
# Shrinking a register takes minutes, and the registers are small already.
unshrunk = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def scored(records: Records, least: float = EVERYTHING, **how: Any) -> Scored:
    model = pinned()
    return score(records, chances(records, model), model, least, **how)


def same(one: Scored, other: Scored) -> None:
    assert one.pairs.rows() == other.pairs.rows()
    assert one.patterns.sort("pattern").rows() == other.patterns.sort("pattern").rows()
    assert one.counts.rows() == other.counts.rows()


@unshrunk
@given(registers, st.integers(1, 5), st.integers(1, 3))
def test_the_kernel_gives_what_the_reference_gives(cards: pl.DataFrame, parts: int, workers: int) -> None:
    records = standardise(cards)
    same(scored(records, kernel=False), scored(records, kernel=True, parts=parts, workers=workers))


@unshrunk
@given(registers, st.integers(2, 7), st.integers(1, 3), st.randoms(use_true_random=False))
def test_parts_workers_and_the_order_of_rows_change_nothing(cards: pl.DataFrame, parts: int, workers: int, random: Any) -> None:
    """Tasks are (rule, hash of key mod parts); what they share is a vector of counts."""
    order = random.sample(range(cards.height), cards.height)
    one = scored(standardise(cards), -3.0, kernel=True)
    same(one, scored(standardise(cards[order]), -3.0, kernel=True, parts=parts, workers=workers))


@unshrunk
@given(registers, st.integers(2, 5))
def test_they_agree_where_blocks_are_cut(cards: pl.DataFrame, limit: int) -> None:
    records = standardise(cards)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "BLOCK_LIMIT", limit)
        patch.setattr(rules, "WINDOW", 1)
        plain = scored(records, kernel=False)
        for parts in (1, 3):
            same(plain, scored(records, kernel=True, parts=parts))


def test_they_agree_on_a_register_of_thousands() -> None:
    rng = np.random.default_rng(3)
    size = 4_000
    cards = pl.DataFrame(
        {
            "card_number": [f"DN401{n * 104_729 % 10**10:010d}" for n in range(1, size + 1)],
            "social_insurance_number": [None] * size,
            "citizen_id": [f"00118{rng.integers(10**6):07d}" if n % 3 else None for n in range(size)],
            "full_name": [NAMES[n] for n in rng.integers(0, len(NAMES), size)],
            "birth_date": [date(1980, 1, 1) + timedelta(days=int(n)) for n in rng.integers(0, 900, size)],
            "birth_precision": ["day"] * size,
            "sex": ["2"] * size,
            "province_code": [f"{n:02d}" for n in rng.integers(1, 4, size)],
            "old_province_code": [None] * size,
            "commune_code": [f"{n:05d}" for n in rng.integers(1, 40, size)],
            "household": [None] * size,
            "address": [None] * size,
            "period": [date(2025, 9, 1)] * size,
            "received_rank": [1] * size,
        },
        schema=SCHEMA,
    )
    records = standardise(cards)
    plain = scored(records, -3.0, kernel=False)
    assert plain.counts["new"].sum() > 10_000
    for parts, workers in ((1, 1), (4, 2), (7, 3)):
        same(plain, scored(records, -3.0, kernel=True, parts=parts, workers=workers))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**12 - 1), st.integers(0, 10**12 - 1))
def test_decimal_shows_its_digits(one: int, other: int) -> None:
    coded = [np.uint64(encode.decimal(np.uint64(number))) for number in (one, other)]
    assert [f"{int(n):x}" for n in coded] == [str(one), str(other)]
    apart = sum(x != y for x, y in zip(f"{one:012}", f"{other:012}", strict=True))
    assert kernel._one_digit(coded[0], coded[1]) == (apart == 1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abz đ-é", max_size=12), min_size=1, max_size=8))
def test_letters_are_the_letters(texts: list[str]) -> None:
    found = encode.letters(pl.Series(texts, dtype=pl.String))
    assert found.tolist() == [sum(1 << ord(c) - 97 for c in {*text} if "a" <= c <= "z") for text in texts]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_components_are_those_of_networkx(edges: list[tuple[int, int]]) -> None:
    graph = nx.Graph(edges)
    graph.add_nodes_from(range(31))
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    smallest = {node: min(part) for part in nx.connected_components(graph) for node in part}
    assert components(31, ends[:, 0], ends[:, 1]).tolist() == [smallest[node] for node in range(31)]


def test_compiled_code_is_not_kept_when_a_figure_that_stands_in_it_changes(tmp_path: Path) -> None:
    def kept_as() -> str:
        told = "from transforms.persons import kernel; print(kernel._place.__qualname__)"
        run = subprocess.run([sys.executable, "-c", told], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, check=True)
        return run.stdout.decode()

    for room in ("transforms", "expectations"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    before, compare = kept_as(), tmp_path / "transforms" / "persons" / "compare.py"
    assert kept_as() == before
    compare.write_text(compare.read_text(encoding="utf-8").replace("NEAR = 60", "NEAR = 61"), encoding="utf-8")
    assert kept_as() != before
