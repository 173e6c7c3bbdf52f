"""What registers get wrong, as rates: one model for tuning, two others to judge by.

`train` follows the study of linkage that the project began with. `test` is another country of clerks: other rates, and kinds of errors
that `train` does not know (abbreviated and cut names, letters as they are spoken, names in brackets, ages counted from conception,
two neighbours' numbers exchanged). Whatever is tuned on the first is to be judged on the second.

`study` has the rates that the study names, and is set by nothing else: what its paper does not name is as in `train`. It had telephone
numbers, which registers do not have, so its bars are a little lower here. `benchmarks.linkage.shares` says how near a world comes to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Errors:
    """Chances per card unless said otherwise; the kinds within one group exclude each other."""

    # Second cards: a person's further cards, and what they share with the first.
    renumbered: float  # of second cards: a new social insurance number
    other_province: float  # of second cards
    other_commune: float  # of second cards: within the province
    lists_old_number: float  # of renumbered ones: the column MA_SO_BHXH still names the first number

    # Citizen ids: presence, and the id of somebody else.
    id_on_first: float  # of first cards of people above six
    id_on_second: float
    id_on_small_child: float  # times the above
    old_cmnd: float  # of ids of people born before 2000: still the nine digits
    id_typo: float  # of ids
    id_transposed: float  # of ids: two neighbouring digits exchanged
    id_placeholder: float
    id_of_parent: float  # of children's cards
    id_of_colleague: float  # the employer's list slipped by a row

    # The listed social insurance number.
    number_listed: float
    number_typo: float

    # Names.
    bare: float  # accents lost
    wrong_tone: float
    typo: float
    part_dropped: float  # Thị, Văn or a middle name
    reordered: float
    joined: float  # no spaces
    abbreviated: float = 0.0  # Ng. Văn An, Nguyễn T. Hoa
    spoken: float = 0.0  # s/x, tr/ch, gi/d, l/n, i/y
    truncated: float = 0.0  # cut after 16 letters
    nickname: float = 0.0  # (Tí) behind the name

    # Dates and sex.
    year_only_old: float = 0.08  # of people born before 1965
    year_only: float = 0.004
    new_year_old: float = 0.05  # 1 January written for an unknown day, of people born before 1965
    new_year: float = 0.012
    swapped: float = 0.005  # day and month
    day_slip: float = 0.008
    month_slip: float = 0.002
    year_slip: float = 0.004
    age_of_conception: float = 0.0  # a year early
    day_early: float = 0.0  # a spreadsheet's day zero
    sex_slip: float = 0.003
    sex_undetermined: float = 0.001

    # Household and address.
    household_listed: float = 0.45
    household_new: float = 0.2  # of second cards in the same commune: another household number
    address_listed: float = 0.7
    address_new: float = 0.15  # of second cards in the same commune
    address_short: float = 0.3  # only the hamlet or street
    old_codes: float = 0.5  # registers that still write the units before 2025-07-01

    # Moves.
    other_district: float = 0.34  # of second cards in another commune of the province: by the census of 2019, 1.4 of 4.1 % moved so far
    issued_at_home: float = 0.5  # of renumbered second cards: the number was given out where the first one was, not where the card is
    issued_anywhere: float = 0.0  # of people: social insurance numbers that say nothing of a province

    # The people.
    once_more: float = 0.0  # of second cards: another one of somebody who has a second card
    no_fourth_word: float = 0.0  # of people with two middle names: have one after all, so that more people share a name

    def times(self, factor: float) -> Errors:
        """The same errors at `factor` times their rate; presence and the kind of second cards stay as they are."""
        kept = {"renumbered", "other_province", "other_commune", "lists_old_number", "id_on_first", "id_on_second", "id_on_small_child",
                "old_cmnd", "number_listed", "household_listed", "address_listed", "address_short", "old_codes",
                "other_district", "issued_at_home", "issued_anywhere", "once_more", "no_fourth_word"}  # fmt: skip
        return Errors(**{k: v if k in kept else min(v * factor, 0.5) for k, v in vars(self).items()})


TRAIN = Errors(
    renumbered=0.66, other_province=0.10, other_commune=0.12, lists_old_number=0.04,
    id_on_first=0.90, id_on_second=0.49, id_on_small_child=0.6, old_cmnd=0.10,
    id_typo=0.010, id_transposed=0.002, id_placeholder=0.003, id_of_parent=0.008, id_of_colleague=0.0005,
    number_listed=0.8, number_typo=0.008,
    bare=0.045, wrong_tone=0.012, typo=0.012, part_dropped=0.015, reordered=0.003, joined=0.003,
)  # fmt: skip

TEST = Errors(
    renumbered=0.54, other_province=0.14, other_commune=0.10, lists_old_number=0.10,
    id_on_first=0.82, id_on_second=0.60, id_on_small_child=0.45, old_cmnd=0.16,
    id_typo=0.006, id_transposed=0.007, id_placeholder=0.006, id_of_parent=0.015, id_of_colleague=0.001,
    number_listed=0.65, number_typo=0.012,
    bare=0.07, wrong_tone=0.007, typo=0.007, part_dropped=0.022, reordered=0.001, joined=0.002,
    abbreviated=0.006, spoken=0.012, truncated=0.002, nickname=0.003,
    year_only_old=0.12, year_only=0.008, new_year_old=0.04, new_year=0.02, swapped=0.008, day_slip=0.005, month_slip=0.004, year_slip=0.003,
    age_of_conception=0.004, day_early=0.003, sex_slip=0.005, sex_undetermined=0.006,
    household_listed=0.35, household_new=0.35, address_listed=0.6, address_new=0.25, address_short=0.5, old_codes=0.3,
)  # fmt: skip

# Further cards: 1.2 pairs for each; 34 % of the pairs share the citizen id; 72 % of all cards have a verified one; 1.3 % of a million
# people have a namesake born the same day. The rates of errors that the study names are those that `TRAIN` took from it.
STUDY = replace(TRAIN, renumbered=0.60, lists_old_number=0.0, once_more=0.13, id_on_first=0.85, id_on_second=0.53, no_fourth_word=0.5)

# As little as moves can tell: within a province people go anywhere, and numbers say nothing of provinces.
SCATTERED = replace(STUDY, other_district=1.0, issued_anywhere=1.0)

MODELS = {"train": TRAIN, "test": TEST, "study": STUDY, "scattered": SCATTERED}
