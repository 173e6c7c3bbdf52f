"""Whose claim it is: by card, by citizen id, and for persons in no register by what their claims share (contract: *Patients*)."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.claims_tables import rows, warehouse

CARDS = """
    card_number     | person | citizen_id   | birth_date | sex
    DN4010000000011 | An     | 001080000011 | 1980-01-01 | 1
    DN4790000000022 | Bình   | 001080000022 | 1980-02-02 | 1
    0000000033      | Chi    | 001180000033 | 1980-03-03 | 2
    TE1010000000044 | Dung   | 001080000022 | 2020-04-04 | 2
"""


def persons(claims: str, cards: str = CARDS) -> dict[str, tuple[object, object]]:
    """Of each claim, by its episode: the person, and how he was found."""
    con: duckdb.DuckDBPyConnection = warehouse(claims, cards=cards)
    found = dict(rows(con, "steps.claim_person", "claim_id, (person_id, found_by)"))  # type: ignore[arg-type]
    return {str(e): found[i] for i, e in rows(con, "steps.claim_current", "claim_id, episode")}


def together(claims: str) -> list[set[str]]:
    """Episodes by person."""
    people: dict[object, set[str]] = {}
    for episode, (person, _) in persons(claims).items():
        people.setdefault(person, set()).add(episode)
    return sorted(people.values(), key=min)


@pytest.mark.parametrize(
    ("cards", "citizen", "found"),
    [
        ("DN4010000000011", "", ("An", "card")),
        ("0000000011", "", ("An", "card")),
        ("GD4010000000033", "", ("Chi", "card")),
        ("GD4010000000099;DN4790000000022", "", ("Bình", "card")),
        ("GD4010000000011", "", ("An", "card_digits")),
        ("GD4010000000011;DN4790000000022", "", ("Bình", "card")),
        ("GD4010000000099", "001080000011", ("An", "citizen_id")),
        ("", "001180000033", ("Chi", "citizen_id")),
        ("DN4010000000011", "001180000033", ("An", "card")),
    ],
    ids=[
        "the same number", "ten digits of a card of fifteen", "a card of fifteen that ends in a ten-digit one", "the first that is known",
        "another card with the same digits", "a known card before the digits of another", "no known card", "no card",
        "card before citizen id",
    ],
)  # fmt: skip
def test_a_claim_is_of_the_person_of_its_card_else_of_its_citizen_id(cards: str, citizen: str, found: tuple[str, str]) -> None:
    assert persons(f"""
        episode | card_numbers | citizen_id
        A       | {cards}      | {citizen}
    """) == {"A": found}


@pytest.mark.parametrize(
    ("born", "sex", "person"),
    [("1980-02-02", "1", "Bình"), ("2020-04-04", "2", "Dung"), ("2020-04-04", "1", "Bình"), ("", "", "Bình")],
    ids=["parent", "child", "only the birth date agrees: the smallest", "nothing to tell by: the smallest"],
)
def test_a_citizen_id_of_several_persons_means_the_one_with_the_same_birth_date_and_sex(born: str, sex: str, person: str) -> None:
    assert persons(f"""
        episode | citizen_id   | birth_date | sex
        A       | 001080000022 | {born}     | {sex}
    """) == {"A": (person, "citizen_id")}


def test_claims_in_no_register_are_one_person_through_what_they_share() -> None:
    assert together("""
        episode | card_numbers    | citizen_id
        A       | GD4010000000091 |
        B       | TE1790000000091 | 001099000092
        C       |                 | 001099000092
        D       | GD4010000000093 | 001099000092
        E       | GD4010000000095 |
    """) == [{"A", "B", "C", "D"}, {"E"}]


def test_two_cards_of_one_claim_are_one_person() -> None:
    assert together("""
        episode | card_numbers
        A       | GD4010000000091
        B       | GD4010000000092
        C       | GD4010000000092;GD4010000000091
    """) == [{"A", "B", "C"}]


def test_claims_without_identifiers_are_a_person_each() -> None:
    assert together("""
        episode | card_numbers | citizen_id
        A       |              |
        B       |              |
    """) == [{"A"}, {"B"}]


def test_placeholders_and_malformed_numbers_tie_nobody_together() -> None:
    assert together("""
        episode | card_numbers    | citizen_id
        A       | GD4010000000000 | 000000000000
        B       | DN4010000000000 | 000000000000
        C       | KHONG           |
        D       | KHONG           |
    """) == [{"A"}, {"B"}, {"C"}, {"D"}]


def test_the_order_of_arrival_does_not_change_the_name_of_a_person() -> None:
    one = persons("""
        episode | card_numbers    | citizen_id
        A       | GD4010000000091 | 001099000092
        B       | GD4010000000093 | 001099000092
    """)
    other = persons("""
        episode | card_numbers    | citizen_id
        B       | GD4010000000093 | 001099000092
        A       | GD4010000000091 | 001099000092
    """)
    assert one == other


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 14), st.integers(1, 14)), min_size=1, max_size=14))
def test_chains_of_any_shape_are_followed_to_their_end(pairs: list[tuple[int, int]]) -> None:
    """Each claim lists two cards of persons in no register; groups equal those of a plain union of sets."""
    expected: list[tuple[set[int], set[str]]] = []
    for number, pair in enumerate(pairs):
        touched = [group for group in expected if group[0] & set(pair)]
        expected = [group for group in expected if group not in touched]
        expected.append((set(pair).union(*(g[0] for g in touched)), {f"E{number:02}"}.union(*(g[1] for g in touched))))
    listed = "\n".join(f"E{n:02} | GD401{7000000000 + a};GD401{7000000000 + b}" for n, (a, b) in enumerate(pairs))
    assert together(f"episode | card_numbers\n{listed}") == sorted((g[1] for g in expected), key=min)


def test_a_likely_person_is_told_of_claims_in_no_register_only_and_counts_nowhere() -> None:
    con = warehouse(
        """
        episode | card_numbers    | citizen_id
        A       | DN4010000000011 |
        B       |                 |
        C       | DN4790000000077 |
        """,
        cards=CARDS,
        likely_persons="""
        row_number | card_key        | probability | weight
        1          | DN4790000000022 | 0.999       | 12
        2          | DN4790000000022 | 0.999       | 12
        3          | DN4010000000011 | 0.995       | 9
        """,
    )
    claims = dict(rows(con, "facts.claim", "claim_key, person_key"))  # type: ignore[arg-type]
    how = dict(rows(con, "facts.claim", "claim_key, person_found_by"))  # type: ignore[arg-type]
    likely = dict(rows(con, "facts.claim_likely_person", "claim_key, person_key"))  # type: ignore[arg-type]
    assert sorted(str(how[key]) for key in likely) == ["alone", "among_claims"]
    assert claims[next(k for k, found_by in how.items() if found_by == "card")] in likely.values()  # C is likely An's, and keyed as A is
    assert len(set(claims.values())) == 3
