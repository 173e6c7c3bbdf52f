"""Cards as delivered → one short record per card and known state, in standard form.

The same card stands in many monthly registers. Its latest row speaks for it; what that row leaves empty is filled from the
latest earlier row, and up to three earlier, different states stay as further evidence (a card that moved, or whose name was
corrected, can still be recognised by what it said before).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

# What a row says about a person, apart from the number of the card. Two rows of a card that agree in these are one state.
EVIDENCE = (
    "social_insurance_number",
    "citizen_id",
    "full_name",
    "birth_date",
    "birth_precision",
    "sex",
    "province_code",
    "old_province_code",
    "commune_code",
    "household",
)
# What a card's latest row may leave out and an earlier one fill in.
FILLED = ("social_insurance_number", "citizen_id", "birth_date", "birth_precision", "sex", "commune_code", "household")
STATES_KEPT = 4
# A number that this many different names carry is nobody's: a village head's, an employer's, a placeholder of some program.
# In real registers seven of ten CCCDs agree with their cards; numbers drawn at random would do so once in hundreds.
STRUCTURED, ENOUGH_TO_JUDGE = 0.3, 20
NAMES_PER_NUMBER = 8

TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below: in NFD behind their vowel
_CONSONANTS = "bcdđghklmnpqrstvx"
_PLACEHOLDER = r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?123456789\d*|\d+000000|9876543210?\d*)$"


@dataclass(frozen=True)
class Records:
    """Cards in standard form.

    `numbers`: `card_number`, `card`; one row per number as delivered.
    `cards`: `card_key`, one row per card, sorted; its row is the number `card`.
    `rows`: one row per card and state, sorted so that neighbours resemble each other: `card`, `latest`, `name` (row of `names`),
    `birth` (yyyymmdd), `year`, `day_month`, `vague`, `sex`, `citizen`, `verified`, `short_citizen`, `insured`, `insured_too`,
    `province`, `old_province`, `commune`, `household`. Null wherever nothing is known.
    `names`: one row per distinct name, see `names`.
    `crowded`: kind of number → how many numbers were set aside because too many names carry them.
    """

    numbers: pl.DataFrame
    cards: pl.DataFrame
    rows: pl.DataFrame
    names: pl.DataFrame
    crowded: dict[str, int]


def composed(name: pl.Expr) -> pl.Expr:
    """A name in lower case, composed (NFC), with đ for ð, ñ and ɖ, which old fonts and encodings leave behind."""
    return name.str.normalize("NFC").str.to_lowercase().str.replace_all("[ðñɖ]", "đ")


def standard_name(name: pl.Expr) -> pl.Expr:
    """A name in lower case, decomposed (NFD), one space between words, its spelling variants folded.

    Tone marks move to the end of their syllable (hòa = hoà), y after a consonant or qu is i (Lý = Lí), other characters than letters
    are spaces. `Mai` and `May`, `Thuý` and `Thuí` stay different names.
    """
    return (
        composed(name)
        .str.normalize("NFD")
        .str.replace_all(r"[^\p{L}\p{M}]+", " ")
        .str.strip_chars()
        .str.replace_all(f"([{TONES}])([^ {TONES}]+)", "$2$1")
        .str.replace_all(rf"\b((?:[{_CONSONANTS}]+|qu))y([{TONES}]?)\b", "${1}i$2")
    )


def names(standard: pl.Series) -> pl.DataFrame:
    """Distinct standard names, taken apart once each.

    Out, sorted by `plain`, `standard`: `standard`, `plain` (without accents), `accented`, `given` (plain), `given_accented` (standard),
    `middle` (plain, between two spaces); and numbers to compare fast, equal where the text is: `plain_id` (ascending), `joined_id`
    (without spaces), `ordered_id` (words sorted), `surname_id`, `given_id`, `middle_id`, `given_accented_id`.
    """
    name, plain = pl.col("standard"), pl.col("plain")
    words = plain.str.split(" ")
    length = words.list.len().cast(pl.Int64)
    taken = (
        standard.unique().drop_nulls().rename("standard").to_frame().filter(name != "")
        .with_columns(plain=name.str.replace_all(r"\p{M}", "").str.replace_all("đ", "d", literal=True))
        .sort("plain", "standard")
        .with_columns(
            accented=name != plain,
            given=words.list.last(),
            given_accented=name.str.split(" ").list.last(),
            middle=(pl.lit(" ") + words.list.slice(1, (length - 2).clip(0)).list.join(" ") + pl.lit(" ")).str.replace("^  $", " "),
            plain_id=plain.rle_id().cast(pl.Int64),
            joined_id=plain.str.replace_all(" ", "", literal=True).hash(),
            ordered_id=words.list.sort().list.join(" ").hash(),
            surname_id=pl.when(length > 1).then(words.list.first()).hash(),
        )
    )  # fmt: skip
    return taken.with_columns(pl.col("given", "middle", "given_accented").hash().name.suffix("_id"))


def states(cards: pl.DataFrame | pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All rows of all registers → the numbers, and the distinct states of each card.

    Returns `card_number`, `card_key`, `card`, `insured` (see `keyed_numbers`); and `card`, `state` (0 is the latest), the columns of
    `EVIDENCE`. Cards are numbered in the order of their keys.
    """
    moment = pl.col("period").cast(pl.Date).cast(pl.Int32).cast(pl.Int64).fill_null(0) * 2**32
    moment += pl.col("received_rank").fill_null(0).cast(pl.Int64)
    seen = (
        cards.lazy()
        .filter(pl.col("card_number").is_not_null())
        .group_by("card_number", *EVIDENCE)
        .agg(moment.max().alias("moment"))
        .collect(engine="streaming")
    )
    numbers = keyed_numbers(seen["card_number"].unique())
    seen = seen.join(numbers.select("card_number", "card"), on="card_number").drop("card_number")
    several = pl.col("card").is_duplicated()
    order = ["card", "moment", *EVIDENCE]
    changed = (
        seen.filter(several)
        .sort(order, descending=[column == "moment" for column in order], nulls_last=True)
        # The two forms of a number may have said the same.
        .unique(["card", *EVIDENCE], keep="first", maintain_order=True)
        .with_columns(pl.col(FILLED).fill_null(strategy="backward").over("card"), state=pl.int_range(pl.len()).over("card"))
        .filter(pl.col("state") < STATES_KEPT)
    )
    alone = seen.filter(~several).with_columns(state=pl.lit(0, pl.Int64))
    return numbers, pl.concat([alone, changed]).drop("moment")


def keyed_numbers(distinct: pl.Series) -> pl.DataFrame:
    """`card_number`, sorted, with `card_key`, `card` (the place of the key among all keys) and `insured` (its last ten digits).

    A 10-digit number is the card of 15 characters that ends in it (the smallest, if several do).
    """
    number = pl.col("card_number")
    frame = distinct.rename("card_number").to_frame().sort("card_number").with_columns(tail=number.str.slice(-10))
    short = number.str.len_chars() == 10
    long = (
        frame.filter(number.str.len_chars() == 15)
        .join(frame.filter(short).select("tail"), on="tail", how="semi")
        .group_by("tail")
        .agg(card_key=number.min())
    )
    keyed = (
        frame.join(long, on="tail", how="left", maintain_order="left")
        .with_columns(card_key=pl.when(short).then(pl.col("card_key").fill_null(number)).otherwise(number))
        # A key is itself a number, so the keys are already in order.
        .with_columns(card=((number == pl.col("card_key")).cum_sum() - 1).cast(pl.UInt32))
    )
    aliases = keyed.filter(number != pl.col("card_key")).select("card_key").unique()
    moved = aliases.join(keyed.filter(number == pl.col("card_key")).select("card_key", target="card"), on="card_key")
    return keyed.join(moved, on="card_key", how="left", maintain_order="left").select(
        "card_number", "card_key", card=pl.coalesce("target", "card"), insured=_digits(pl.col("tail"), 10)
    )


def _digits(text: pl.Expr, length: int) -> pl.Expr:
    """A number of this many digits as an integer; null for other lengths and for placeholders (all digits alike, 123456789 …)."""
    return pl.when(text.str.contains(rf"^\d{{{length}}}$") & ~text.str.contains(_PLACEHOLDER)).then(text).cast(pl.Int64, strict=False)


def _code(column: str) -> pl.Expr:
    """A code of digits as a number; null for anything else."""
    return pl.col(column).cast(pl.Int32, strict=False)


def standardise(cards: pl.DataFrame | pl.LazyFrame) -> Records:
    """Rows of registers (`expectations.exports.cards` with `period`, `received_rank`) → `Records`. Order of rows plays no part."""
    numbers, seen = states(cards)
    keys = numbers.filter(pl.col("card_number") == pl.col("card_key")).select("card", "card_key", "insured")
    spelt = seen.select("full_name").unique().with_columns(plainly=composed(pl.col("full_name")))
    folded = spelt.select("plainly").unique().with_columns(standard=standard_name(pl.col("plainly")))
    table = names(folded["standard"])
    ids = folded.join(table.select("standard").with_row_index("name"), on="standard")
    ids = spelt.join(ids, on="plainly").select("full_name", pl.col("name").cast(pl.Int32))

    birth, day_known = pl.col("birth_date"), pl.col("birth_precision").fill_null("day") == "day"
    day_month = birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day()
    house = pl.col("household").str.strip_chars().str.to_uppercase()
    rows = (
        seen.join(ids, on="full_name", how="left")
        .with_columns(insured=keys["insured"].gather(seen["card"]))
        .select(
            "card",
            "state",
            "name",
            birth=pl.when(day_known).then(birth.dt.year().cast(pl.Int32) * 10_000 + day_month),
            year=birth.dt.year().cast(pl.Int32),
            day_month=pl.when(day_known).then(day_month),
            # 1 January is what a clerk writes who knows the year only.
            vague=~day_known | (day_month == 101).fill_null(False),
            sex=pl.when(pl.col("sex").is_in(["1", "2"])).then(pl.col("sex")).cast(pl.Int8),
            citizen=_digits(pl.col("citizen_id"), 12),
            short_citizen=_digits(pl.col("citizen_id"), 9),
            insured="insured",
            insured_too=_digits(pl.col("social_insurance_number"), 10),
            province=_code("province_code"),
            old_province=_code("old_province_code"),
            commune=_code("commune_code"),
            # Numbers of households start anew in each province; 0 and - stand for none.
            household=pl.when(~house.str.contains("^[0-]*$")).then(pl.struct("province_code", house.alias("household")).hash()),
        )
        .with_columns(insured_too=pl.when(pl.col("insured_too") != pl.col("insured").fill_null(-1)).then(pl.col("insured_too")))
    )
    rows, crowded = _without_crowded(rows, table)
    alike = (pl.col("name").cast(pl.Int64).fill_null(-1) * 2**27 + pl.col("birth").fill_null(0)).alias("alike")
    rows = _with_verified(rows).with_columns(alike).sort(["alike", "year", "sex", "commune", "card", "state"], nulls_last=True)
    return Records(
        numbers=numbers.select("card_number", "card"),
        cards=keys.select("card_key"),
        rows=rows.select(pl.exclude("alike", "state"), latest=pl.col("state") == 0),
        names=table,
        crowded=crowded,
    )


def _without_crowded(rows: pl.DataFrame, table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Sets aside the numbers that more than `NAMES_PER_NUMBER` different names carry, and counts them."""
    plain = table.select(name=pl.int_range(pl.len(), dtype=pl.Int32), plain="plain_id")
    crowded: dict[str, int] = {}
    for kind in ("citizen", "short_citizen", "insured", "insured_too"):
        often = rows.select(kind, "name").drop_nulls(kind).filter(pl.len().over(kind) > NAMES_PER_NUMBER)
        named = often.join(plain, on="name").group_by(kind).agg(pl.col("plain").n_unique())
        shared = named.filter(pl.col("plain") > NAMES_PER_NUMBER)[kind]
        crowded[kind] = shared.len()
        if shared.len():
            rows = rows.with_columns(pl.when(~pl.col(kind).is_in(shared.implode())).then(pl.col(kind)))
    return rows, crowded


def _with_verified(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `verified`. Where hardly any number agrees with its card, numbers there have no such structure, and each is taken as it is."""
    rows = rows.with_columns(verified=_verified())
    checkable = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null())["verified"]
    if checkable.len() >= ENOUGH_TO_JUDGE and checkable.sum() < STRUCTURED * checkable.len():
        return rows.with_columns(verified=pl.col("citizen").is_not_null())
    return rows


def _verified() -> pl.Expr:
    """The CCCD agrees with its own card: century and sex (4th digit) and year of birth (5th, 6th). Nothing is verified without a year."""
    part = pl.col("citizen") // 1_000_000 % 1_000
    century_and_sex, yy = part // 100, part % 100
    year, sex = pl.col("year"), pl.col("sex")
    return ((yy == year % 100) & (century_and_sex // 2 == year // 100 - 19) & (sex.is_null() | (century_and_sex % 2 == sex - 1))).fill_null(
        False
    )
