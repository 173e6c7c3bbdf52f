"""Levels of agreement in plain words, for people who must answer for a decision."""

from __future__ import annotations

FIELD_WORDS = {
    "prior": "before looking: two cards of so many people",
    "name": "name (họ tên)",
    "birth": "date of birth (ngày sinh)",
    "sex": "sex (giới tính)",
    "citizen": "citizen number (CCCD/CMND)",
    "insured": "social insurance number (mã số BHXH)",
    "place": "residence (nơi cư trú)",
    "other_person_of_household": "but it may be another person of the household",
    "total": "together",
}
LEVEL_WORDS = {
    ("name", "same"): "the same name",
    ("name", "unaccented"): "the same name, once without accents",
    ("name", "other_accents"): "the same letters with other accents",
    ("name", "rearranged"): "the same name, its words joined or in another order",
    ("name", "part"): "the same name with a word left out",
    ("name", "misspelt"): "the same given name, a slip or two elsewhere",
    ("name", "given_name_slip"): "all the same but a letter or the accents of the given name, which hardly anybody bears so",
    ("name", "given_name_close"): "all the same but a letter or the accents of the given name",
    ("name", "other_middle_name"): "the same surname and given name, another middle name",
    ("name", "same_given_name"): "only the given name is the same",
    ("name", "same_surname"): "only the surname is the same",
    ("name", "other"): "quite another name",
    ("birth", "same"): "the same date",
    ("birth", "swapped"): "day and month in the other order",
    ("birth", "one_digit"): "one digit of the date differs",
    ("birth", "year"): "the same year, and one side knows no more",
    ("birth", "same_year"): "the same year, another day",
    ("birth", "other"): "another date",
    ("sex", "same"): "the same sex",
    ("sex", "other"): "the other sex",
    ("citizen", "same_verified"): "the same CCCD, and it agrees with sex and year of birth on both cards",
    ("citizen", "same"): "the same number, which contradicts a card: perhaps a parent's",
    ("citizen", "one_digit"): "one digit of the number differs",
    ("citizen", "other_verified"): "two different CCCDs that both agree with their cards",
    ("citizen", "other_short"): "two different old numbers (CMND)",
    ("insured", "same"): "the same number",
    ("insured", "one_digit"): "one digit of the number differs",
    ("insured", "other"): "another number",
    ("place", "household"): "the same household",
    ("place", "address"): "the same house or hamlet",
    ("place", "commune"): "the same commune",
    ("place", "commune_other_home"): "the same commune, but another household or address",
    ("place", "near"): "a commune nearby, as the codes of communes lie",
    ("place", "old_province"): "the same province of before the reform",
    ("place", "province"): "the same province of today",
    ("place", "moved"): "another province, but one number was given out in the province of the other card",
    ("place", "born_there"): "another province, but the CCCD of one was given out in the province of the other, who has none",
    ("place", "other"): "another province",
}


def in_words(field: str, level: str) -> str:
    """What a field says; a level that has no words yet is named as it is."""
    if level == "missing":
        return "not known on both sides: says nothing"
    return LEVEL_WORDS.get((field, level), level.replace("_", " "))


def odds(bits: float) -> str:
    """A weight as odds: 3 bits are 8 to 1."""
    return f"{_count(2**bits)} to 1" if bits >= 0 else f"1 to {_count(2**-bits)}"


def _count(number: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{min(number / size, 999):.0f} {word}"
    return f"{number:,.0f}".replace(",", " ") if number >= 10 else f"{number:.1f}"
