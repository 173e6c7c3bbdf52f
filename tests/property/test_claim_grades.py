"""Whatever XML and lists arrive, in whatever order: every record has one label, and no visit is counted from both."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.claims_tables import rows, warehouse

CARD = "GD401012345678{}"
Record = tuple[str, int, int, int, int]  # form, card, day, hour, rank of its delivery

records = st.lists(
    st.tuples(st.sampled_from(["xml", "79a", "01bh"]), st.integers(1, 2), st.integers(1, 2), st.integers(8, 9), st.integers(1, 3)),
    min_size=1,
    max_size=8,
)


def table(arrived: list[Record]) -> str:
    lines = ["source_form | episode | visit_key | card_numbers | admitted_at | discharged_at | received_rank"]
    for n, (form, card, day, hour, rank) in enumerate(arrived):
        visit = "" if form == "xml" else f"{card}/{day}/{day}"
        moment = f"2026-05-0{day} 0{hour}:00"
        lines.append(f"{form} | {visit or f'E{n}'} | {visit} | {CARD.format(card)} | {moment} | {moment} | {rank}")
    return "\n".join(lines)


@given(records)
@settings(max_examples=20, deadline=None)
def test_no_record_is_lost_and_no_visit_counts_from_xml_and_list(arrived: list[Record]) -> None:
    found = rows(warehouse(table(arrived)), "steps.claim_version", "row_number, label, superseded_by, counted_episode")
    assert sorted(n for n, *_ in found) == list(range(1, len(arrived) + 1))
    by_xml = {(card, day) for form, card, day, *_ in arrived if form == "xml"}
    counted: dict[tuple[int, int], int] = {}
    for n, label, by, _ in found:
        form, card, day, *_ = arrived[int(str(n)) - 1]
        if form == "xml":
            assert label == "current"
        elif (card, day) in by_xml:
            assert (label, by) == ("superseded", "grade")
        else:
            assert (label == "current") == (by is None)
            counted[card, day] = counted.get((card, day), 0) + (label == "current")
    for (card, day), times in counted.items():
        # As many as the fullest list has: visits of one list differ by their hour.
        lists = {
            rank: {h for f, c, d, h, r in arrived if f != "xml" and (c, d, r) == (card, day, rank)} for rank in range(1, 4)
        }  # a rank is a delivery here
        assert times == max(len(hours) for hours in lists.values())
    assert len({e for _, label, _, e in found if label == "current"}) == sum(label == "current" for _, label, *_ in found)
