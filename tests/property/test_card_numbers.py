"""Card numbers as whole numbers, names as ranks: what stands for a text says the same as the text."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.persons.numbers import card_code, card_text, keyed_numbers, numbered_rows
from transforms.persons.spelling import named_rows, names

quick = settings(max_examples=100, deadline=None)
digits = st.text("0123456789", min_size=10, max_size=10)
usual = st.one_of(digits, st.builds("{}{}".format, st.text("0123456789ABYZ", min_size=5, max_size=5), digits))
any_number = st.one_of(usual, st.text("0123456789DNé +-", min_size=1, max_size=16))


def codes(numbers: list[str]) -> pl.Series:
    return pl.DataFrame({"n": pl.Series(numbers, dtype=pl.String)}).select(card_code(pl.col("n"))).to_series()


@quick
@given(st.lists(usual, min_size=1))
def test_codes_ascend_as_the_numbers_do_and_lead_back(numbers: list[str]) -> None:
    found = codes(numbers)
    assert card_text(found.to_numpy()).to_list() == numbers
    assert [n for _, n in sorted(zip(found, numbers, strict=True))] == sorted(numbers)


@quick
@given(st.lists(any_number, min_size=1))
def test_every_number_is_listed_once_in_order_and_leads_to_its_card(numbers: list[str]) -> None:
    cards = pl.DataFrame({"card_number": numbers})
    number, place = numbered_rows(cards.lazy(), codes(numbers))
    listed = keyed_numbers(number)
    card = listed["card"].to_numpy()[place]
    assert listed["card_number"].to_list() == sorted(set(numbers), key=str.encode)
    assert dict(zip(numbers, card.tolist(), strict=True)) == dict(listed.select("card_number", "card").iter_rows())
    keys = listed.filter(pl.col("card_number") == pl.col("card_key"))
    assert keys["card"].to_list() == list(range(keys.height))


@quick
@given(st.lists(st.sampled_from(("Lý Thị Hoà", "LÍ THỊ HÒA", "Hoà Lý Thị", "Ly Thi Hoa", "(Bé)", " ", "Ng. Văn Đạt", None)), min_size=1))
def test_rows_find_the_standard_form_of_their_name(spelt: list[str | None]) -> None:
    rows = pl.Series(spelt, dtype=pl.String)
    table, name = named_rows(rows.unique(), rows.hash().set(rows.is_null(), None))
    for text, place in zip(spelt, name, strict=True):
        if text in (None, " ", "(Bé)"):
            assert place is None
        elif text != "Ng. Văn Đạt" and text != "Hoà Lý Thị":
            assert table["plain"][place] == "li thi hoa"
    assert table["standard"].to_list() == names(table["standard"])["standard"].to_list()


def test_words_in_another_order_have_one_number_and_other_words_another() -> None:
    found = dict(names(pl.Series(["tran thi lan", "lan tran thi", "tran tran lan", "lan"])).select("standard", "ordered_id").iter_rows())
    assert found["tran thi lan"] == found["lan tran thi"]
    assert len(set(found.values())) == 3
