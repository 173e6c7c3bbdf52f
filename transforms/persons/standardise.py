"""Cards as delivered → one short record per card and known state, in standard form.

The same card stands in many monthly registers. Its latest row speaks for it; what that row leaves empty is filled from the
latest earlier row, and up to three earlier, different states stay as further evidence (a card that moved, or whose name was
corrected, can still be recognised by what it said before).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    "address",
)
# The same in numbers (`_said`); two rows of a card that agree in these and in the name are one state.
SAID = ("born", "sex", "citizen", "short_citizen", "insured_too", "province", "old_province", "commune", "household", "address")
# What a card's latest row may leave out and an earlier one fill in.
FILLED = ("born", "sex", "citizen", "short_citizen", "insured_too", "commune", "household", "address")
STATES_KEPT = 4
# A number that this many different names carry is nobody's: a village head's, an employer's, a placeholder of some program.
# In real registers seven of ten CCCDs agree with their cards; numbers drawn at random would do so once in hundreds.
STRUCTURED, ENOUGH_TO_JUDGE = 0.3, 20
NAMES_PER_NUMBER = 8
CROWDED = ("citizen", "short_citizen", "insured", "insured_too")
RARE_GIVEN = 2e-4  # of people: a given name that fewer bear is rather a slip of the pen

TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below: in NFD behind their vowel
_NGUYEN = "nguye\u0302n\u0303"  # in standard form
_CONSONANTS = "bcdđghklmnpqrstvx"


@dataclass(frozen=True)
class Records:
    """Cards in standard form.

    `numbers`: `card_number`, `card`; one row per number as delivered.
    `cards`: `card_key`, one row per card, sorted; its row is the number `card`.
    `rows`: one row per card and state, sorted so that neighbours resemble each other: `card`, `latest`, `name` (row of `names`),
    `birth` (yyyymmdd), `year`, `day_month`, `vague`, `sex`, `citizen`, `verified`, `short_citizen`, `insured`, `insured_too`,
    `province`, `old_province`, `commune`, `household`, `address`. Null wherever nothing is known.
    `names`: one row per distinct name, see `names`; and `borne`: people bear that given name (see `_borne`).
    `crowded`, `carriers`: kind of number → how many numbers were set aside because too many names carry them, and on how many records.
    `set_aside`: these, with who carries them: `kind`, `number`, `card`, `plain` (hash of the name).
    """

    numbers: pl.DataFrame
    cards: pl.DataFrame
    rows: pl.DataFrame
    names: pl.DataFrame
    crowded: dict[str, int]
    carriers: dict[str, int]
    set_aside: pl.DataFrame


def composed(name: pl.Expr) -> pl.Expr:
    """A name in lower case, composed (NFC), with đ for ð, ñ and ɖ, which old fonts and encodings leave behind."""
    return name.str.normalize("NFC").str.to_lowercase().str.replace_all("[ðñɖ]", "đ")


def standard_name(name: pl.Expr) -> pl.Expr:
    """A name in lower case, decomposed (NFD), one space between words, its spelling variants folded.

    Tone marks move to the end of their syllable (hòa = hoà), y after a consonant or qu is i (Lý = Lí), other characters than letters
    are spaces. What stands in brackets (a pet name, a note) is left out, and Ng. is Nguyễn. `Mai` and `May`, `Thuý` and `Thuí` stay
    different names.
    """
    return (
        composed(name)
        .str.replace_all(r"[(\[{].*?[)\]}]", " ")
        .str.normalize("NFD")
        .str.replace_all(r"[^\p{L}\p{M}]+", " ")
        .str.strip_chars()
        .str.replace_all(f"([{TONES}])([^ {TONES}]+)", "$2$1")
        .str.replace_all(rf"\b((?:[{_CONSONANTS}]+|qu))y([{TONES}]?)\b", "${1}i$2")
        .str.replace("^ng ", f"{_NGUYEN} ")
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
            plain_id=(plain.rle_id() + 1).cast(pl.UInt32),
            joined_id=_label(plain.str.replace_all(" ", "", literal=True)),
            ordered_id=_label(words.list.sort().list.join(" ")),
            surname_id=_label(pl.when(length > 1).then(words.list.first())),
        )
    )  # fmt: skip
    return taken.with_columns(_label(pl.col(c)).alias(f"{c}_id") for c in ("given", "middle", "given_accented"))


def numbers_and_names(cards: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """What occurs in all registers, each once: numbers (`keyed_numbers`), names (`names`), and `full_name` → `name`, its row there."""
    seen = cards.select("card_number").unique().collect(engine="streaming")["card_number"]
    numbers = keyed_numbers(seen)
    spelt = cards.select("full_name").unique().drop_nulls().collect(engine="streaming").with_columns(plainly=composed(pl.col("full_name")))
    folded = spelt.select("plainly").unique().with_columns(standard=standard_name(pl.col("plainly")))
    table = names(folded["standard"])
    ids = folded.join(table.select("standard").with_row_index("name"), on="standard")
    ids = spelt.join(ids, on="plainly").select("full_name", pl.col("name").cast(pl.Int32))
    return numbers, table, ids


def states(cards: pl.LazyFrame, numbers: pl.DataFrame, spelt: pl.DataFrame) -> pl.DataFrame:
    """All rows of all registers → the distinct states of each card: `card`, `state` (0 is the latest), `name` and the columns of `SAID`.

    Rows are put into numbers before they are grouped, so that registers repeating a card every month cost little.
    """
    moment = pl.col("period").cast(pl.Date).cast(pl.Int32).cast(pl.Int64).fill_null(0) * 2**32
    moment += pl.col("received_rank").fill_null(0).cast(pl.Int64)
    said = (
        cards.select("card_number", "full_name", *_said(), moment=moment)
        .join(numbers.lazy().select("card_number", "card"), on="card_number")
        .join(spelt.lazy(), on="full_name", how="left")
        .select("card", "name", *SAID, "moment")
    )
    # Where no number stands twice, as in the registers of one month, each row is a state.
    if cards.select(pl.len()).collect().item() > numbers.height:
        said = said.group_by("card", "name", *SAID).agg(pl.col("moment").max())
    seen = said.collect(engine="streaming")
    several = pl.col("card").is_duplicated()
    order = ["card", "moment", "name", *SAID]
    changed = (
        seen.filter(several)
        .sort(order, descending=[column == "moment" for column in order], nulls_last=True)
        .with_columns(pl.col(FILLED).fill_null(strategy="backward").over("card"), state=pl.int_range(pl.len(), dtype=pl.Int32).over("card"))
        .filter(pl.col("state") < STATES_KEPT)
    )
    alone = seen.filter(~several).with_columns(state=pl.lit(0, pl.Int32))
    return pl.concat([alone, changed]).drop("moment")


def _said() -> list[pl.Expr]:
    """The columns of `SAID`: what a row says of a person, in numbers; null wherever it says nothing that can be used."""
    birth, day_known = pl.col("birth_date"), pl.col("birth_precision").fill_null("day") == "day"
    day_month = pl.when(day_known).then(birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day()).otherwise(0)
    house = pl.col("household").str.strip_chars().str.to_uppercase()
    return [
        (birth.dt.year().cast(pl.Int32) * 10_000 + day_month).alias("born"),
        pl.when(pl.col("sex").is_in(["1", "2"])).then(pl.col("sex")).cast(pl.Int8).alias("sex"),
        _digits(pl.col("citizen_id"), 12).alias("citizen"),
        _digits(pl.col("citizen_id"), 9).cast(pl.Int32).alias("short_citizen"),
        _digits(pl.col("social_insurance_number"), 10).alias("insured_too"),
        _code("province_code").cast(pl.Int16).alias("province"),
        _code("old_province_code").cast(pl.Int16).alias("old_province"),
        _code("commune_code").alias("commune"),
        # Numbers of households start anew in each province; 0 and - stand for none.
        _label(pl.when(~house.str.contains("^[0-]*$")).then(pl.concat_str("province_code", pl.lit("/"), house))).alias("household"),
        # The house or hamlet: whether the commune, the district and the province follow it depends on the register.
        _label(pl.col("address").str.extract(r"^\s*([^,;]*[\p{L}\p{N}])").str.to_lowercase().str.normalize("NFC")).alias("address"),
    ]


def keyed_numbers(distinct: pl.Series) -> pl.DataFrame:
    """`card_number`, sorted, with `card_key`, `card` (the place of the key among all keys) and `insured` (its last ten digits).

    A 10-digit number is the card of 15 characters that ends in it (the smallest, if several do).
    """
    number = distinct.rename("card_number").sort()
    length, tail = number.str.len_chars(), number.str.slice(-10).rename("tail")
    frame = pl.DataFrame({"row": np.arange(len(number)), "tail": tail.cast(pl.Int64, strict=False)}).drop_nulls()
    long, short = (frame.filter(length.gather(frame["row"]) == n) for n in (15, 10))
    alias = short.join(long.rename({"row": "key"}), on="tail").group_by("row").agg(pl.col("key").min())
    # The row of each number's key: a key is itself a number, so the keys are in order already.
    key = np.arange(len(number))
    key[alias["row"].to_numpy()] = alias["key"].to_numpy()
    card = (np.cumsum(key == np.arange(len(key))) - 1)[key].astype(np.uint32)
    keyed = pl.DataFrame({"card_number": number, "card_key": number.gather(key), "card": card, "tail": tail})
    return keyed.select("card_number", "card_key", "card", insured=_digits(pl.col("tail"), 10))


def _digits(text: pl.Expr, length: int) -> pl.Expr:
    """A number of this many digits as an integer; null for other lengths and for placeholders (all digits alike, 123456789 …)."""
    number = text.cast(pl.Int64, strict=False)
    counting = ("12345678901234"[:length], "01234567890123"[:length], "98765432109876"[:length])
    alike = (str(digit) * length for digit in range(10))
    placeholders = [int(n) for n in (*counting, *alike)]
    from_one = int("123456789") * 10 ** (length - 9)
    said = (text.str.len_bytes() == length) & (number >= 0) & ~text.str.contains("+", literal=True)
    counted = number.is_between(from_one, from_one + 10 ** (length - 9) - 1)
    if length > 9:
        counted |= number.is_between(from_one // 10, from_one // 10 + 10 ** (length - 10) - 1)
    return pl.when(said & ~number.is_in(placeholders) & (number % 1_000_000 != 0) & ~counted).then(number)


def _label(text: pl.Expr) -> pl.Expr:
    """A number between 1 and 2³² − 1 that is equal where the text is (two texts in four billion share theirs)."""
    return pl.when(text.is_not_null()).then((text.hash() % (2**32 - 1) + 1).cast(pl.UInt32))


def _code(column: str) -> pl.Expr:
    """A code of digits as a number; null for anything else."""
    return pl.col(column).cast(pl.Int32, strict=False)


def standardise(cards: pl.DataFrame | pl.LazyFrame) -> Records:
    """Rows of registers (`expectations.exports.cards` with `period`, `received_rank`) → `Records`. Order of rows plays no part."""
    numbered = cards.lazy().filter(pl.col("card_number").is_not_null())
    if "address" not in numbered.collect_schema():
        numbered = numbered.with_columns(address=pl.lit(None, pl.String))
    numbers, table, spelt = numbers_and_names(numbered)
    seen = states(numbered, numbers, spelt)
    del spelt
    keys = numbers.filter(pl.col("card_number") == pl.col("card_key")).select("card", "card_key", "insured")
    born, day_month = pl.col("born"), (pl.col("born") % 10_000).cast(pl.Int16)
    rows = seen.with_columns(
        birth=pl.when(day_month > 0).then(born),
        year=(born // 10_000).cast(pl.Int16),
        day_month=pl.when(day_month > 0).then(day_month),
        # 1 January is what a clerk writes who knows the year only.
        vague=day_month.is_in([0, 101]).fill_null(False),
        insured=keys["insured"].gather(seen["card"]),
    ).with_columns(insured_too=pl.when(pl.col("insured_too") != pl.col("insured").fill_null(-1)).then(pl.col("insured_too")))
    rows, set_aside = without_crowded(rows, table)
    table = table.with_columns(borne=_borne(rows, table))
    identity = pl.col("card").cast(pl.Int64) * 8 + pl.col("state")
    rows = in_order(_with_verified(rows).sort(identity))
    return Records(
        numbers=numbers.select("card_number", "card"),
        cards=keys.select("card_key"),
        rows=rows.select(pl.exclude("state", "born"), latest=pl.col("state") == 0),
        names=table,
        crowded={kind: set_aside.filter(pl.col("kind") == kind)["number"].n_unique() for kind in CROWDED},
        carriers={kind: set_aside.filter(pl.col("kind") == kind).height for kind in CROWDED},
        set_aside=set_aside,
    )


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows`, which lie by card and state, so that neighbours resemble each other: by name (sorted already), date, sex, and what tells
    communes apart well enough, as one number."""
    alike = pl.col("name").cast(pl.Int64).fill_null(-1) * 2**37 + pl.col("birth").fill_null(0).cast(pl.Int64) * 2**12
    alike += pl.col("sex").fill_null(0).cast(pl.Int64) * 2**10 + pl.col("commune").fill_null(0) % 2**10
    return rows.sort(alike, maintain_order=True)


def _borne(rows: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """Of each name, whether people bear its given name, as it is written. In a small register each is taken for a name."""
    latest = rows.filter(pl.col("state") == 0)["name"].drop_nulls()
    met = latest.value_counts(name="met").join(
        table.select(name=pl.int_range(pl.len(), dtype=pl.Int32), given="given_accented_id"), on="name"
    )
    known = met.group_by("given").agg(pl.col("met").sum()).filter(pl.col("met") + 2.5 >= RARE_GIVEN * (latest.len() + 5_000))
    return table["given_accented_id"].is_in(known["given"].implode())


def without_crowded(rows: pl.DataFrame, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sets aside the numbers that more than `NAMES_PER_NUMBER` different names carry; and these, as `Records.set_aside`."""
    plain = table.select(name=pl.int_range(pl.len(), dtype=pl.Int32), plain=pl.col("plain").hash())
    carried = [pl.DataFrame(schema={"kind": pl.String, "number": pl.Int64, "card": pl.UInt32, "plain": pl.UInt64})]
    for kind in CROWDED:
        counts = rows.select(kind).drop_nulls().group_by(kind).len().filter(pl.col("len") > NAMES_PER_NUMBER)
        often = rows.select(kind, "card", "name").join(counts, on=kind).join(plain, on="name", how="left")
        named = often.drop_nulls("plain").group_by(kind).agg(pl.col("plain").n_unique())
        shared = named.filter(pl.col("plain") > NAMES_PER_NUMBER)[kind]
        if shared.len():
            carriers = often.filter(pl.col(kind).is_in(shared.implode())).sort(kind, "card", "name", nulls_last=True)
            carried.append(carriers.select(pl.lit(kind).alias("kind"), pl.col(kind).cast(pl.Int64).alias("number"), "card", "plain"))
            rows = rows.with_columns(pl.when(~pl.col(kind).is_in(shared.implode())).then(pl.col(kind)))
    return rows, pl.concat(carried)


def _with_verified(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `verified`. Where hardly any number agrees with its card, numbers there have no such structure, and each is taken as it is."""
    rows = rows.with_columns(verified=looks_verified())
    checkable = rows.filter(pl.col("citizen").is_not_null() & pl.col("year").is_not_null())["verified"]
    if not structured(checkable.len(), int(checkable.sum())):
        return rows.with_columns(verified=pl.col("citizen").is_not_null())
    return rows


def structured(checkable: int, verified: int) -> bool:
    """Whether CCCDs agree with their cards often enough to have the structure of CCCDs."""
    return checkable < ENOUGH_TO_JUDGE or verified >= STRUCTURED * checkable


def looks_verified() -> pl.Expr:
    """The CCCD agrees with its own card: century and sex (4th digit) and year of birth (5th, 6th). Nothing is verified without a year."""
    part = pl.col("citizen") // 1_000_000 % 1_000
    century_and_sex, yy = part // 100, part % 100
    year, sex = pl.col("year"), pl.col("sex")
    return ((yy == year % 100) & (century_and_sex // 2 == year // 100 - 19) & (sex.is_null() | (century_and_sex % 2 == sex - 1))).fill_null(
        False
    )
