"""Cards as delivered → one short record per card and known state, in standard form.

The same card stands in many monthly registers. Its latest row speaks for it; what that row leaves empty is filled from the
latest earlier row, and up to three earlier, different states stay as further evidence (a card that moved, or whose name was
corrected, can still be recognised by what it said before).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from expectations.exports.cards import CARDS
from transforms.persons.numbers import CROWDED, card_code, digits, keyed_numbers, numbered_rows, with_verified, without_crowded
from transforms.persons.spelling import label, named_rows, names

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
# What a row says of the life of a card, which tells nobody's cards apart by itself: the guard looks at it.
LIFE = ("began", "died")
DIED = "CHET"  # withdrawal_reason
# Columns that a register may be without.
OPTIONAL = {n: CARDS.field_named(n).kind.polars for n in ("address", "valid_from", "withdrawn_on", "withdrawal_reason")}
# What a card's latest row may leave out and an earlier one fill in.
FILLED = ("born", "sex", "citizen", "short_citizen", "insured_too", "commune", "household", "address")
STATES_KEPT = 4
RARE_GIVEN = 2e-4  # of people: a given name that fewer bear is rather a slip of the pen


@dataclass(frozen=True)
class Records:
    """Cards in standard form.

    `numbers`: `card_number`, `card`; one row per number as delivered.
    `cards`: `card_key`, `began`, `died` (see `_lives`), one row per card, sorted; its row is the number `card`.
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

    def latest(self, *columns: str) -> pl.DataFrame:
        """These columns of the latest state of each card."""
        rows = self.rows.select(columns)
        # Most registers tell of one state only: nothing is copied.
        return rows if rows.height == self.cards.height else rows.filter(self.rows["latest"])


@dataclass(frozen=True)
class Said:
    """What registers say of cards, in numbers.

    `numbers`: the card numbers, distinct and sorted. `names`: as `spelling.names`. `rows`: `number` and `name` (places in these; a name may
    be null), the columns of `SAID`, `began` (the first day from which a register has the card valid), `died` (the day on which it was
    withdrawn because its holder died), and `moment`, when that was said last. Rows may be alike but for the moment: the later one counts.
    """

    numbers: pl.Series
    names: pl.DataFrame
    rows: pl.DataFrame


def said_of(cards: pl.DataFrame | pl.LazyFrame) -> Said:
    """Rows of registers, as for `standardise`, in numbers."""
    numbered = whole(cards.lazy().filter(pl.col("card_number").is_not_null()))
    seen = rows_said(numbered)
    numbers, number = numbered_rows(numbered, seen["code"])
    table, name = named_rows(numbered.select("full_name").unique().collect(engine="streaming")["full_name"], seen["spelt"])
    return Said(numbers, table, seen.drop("code", "spelt").with_columns(name, number=number))


def whole(cards: pl.LazyFrame) -> pl.LazyFrame:
    """`cards` with the columns that a register may be without."""
    there = cards.collect_schema()
    return cards.with_columns(pl.lit(None, kind).alias(name) for name, kind in OPTIONAL.items() if name not in there)


def died() -> pl.Expr:
    """The day on which a row of a register has a card withdrawn because its holder died; null: it does not say so."""
    return pl.when(pl.col("withdrawal_reason") == DIED).then(pl.col("withdrawn_on")).alias("died")


def together(one: Said, two: Said) -> Said:
    """What both say, as if all of it had been read at once."""
    numbers = pl.concat([one.numbers, two.numbers]).unique().sort()
    table = names(pl.concat([one.names["standard"], two.names["standard"]]))
    rows = []
    for said in (one, two):
        place = numbers.search_sorted(said.numbers).cast(pl.UInt32)
        rows.append(renamed(said.rows, said.names["standard"], table).with_columns(number=place.gather(said.rows["number"])))
    return Said(numbers, table, pl.concat([rows[0], rows[1].select(rows[0].columns)]))


def renamed(rows: pl.DataFrame, before: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `name` as a place in `table` (as `spelling.names`) instead of one in `before`, of standard names that it all has."""
    places = table.select("standard", place=pl.int_range(pl.len(), dtype=pl.Int32))
    place = before.to_frame("standard").join(places, on="standard", how="left", maintain_order="left")["place"]
    return rows.with_columns(name=place.gather(rows["name"]))


def rows_said(cards: pl.LazyFrame) -> pl.DataFrame:
    """Rows of registers in numbers: `code` (`card_code`), `spelt` (hash of the name), the columns of `SAID` and `LIFE`, `moment`.

    Registers that repeat a card every month cost little: what a card has said before is left out while they are read.
    """
    moment = pl.col("period").cast(pl.Date).cast(pl.Int32).cast(pl.Int64).fill_null(0) * 2**32
    moment += pl.col("received_rank").fill_null(0).cast(pl.Int64)
    name = pl.col("full_name")
    spelt = pl.when(name.is_not_null()).then(name.hash()).alias("spelt")
    said = cards.select(card_code(pl.col("card_number")).alias("code"), spelt, *_said(), died(), began="valid_from", moment=moment)
    if cards.select("period", "received_rank").unique().collect(engine="streaming").height > 1:
        said = said.group_by("code", "spelt", *SAID, "died").agg(pl.col("began").min(), pl.col("moment").max())
    return said.collect(engine="streaming")


def states(seen: pl.DataFrame) -> pl.DataFrame:
    """The distinct states of each card: `card`, `state` (0 is the latest), `name` and the columns of `SAID`; `seen` has `moment` too."""
    card = seen["card"].to_numpy()
    several = (np.bincount(card) > 1)[card] if len(card) else np.zeros(0, bool)
    if not several.any():
        return seen.drop("moment").with_columns(state=pl.lit(0, pl.Int32))
    order = ["card", "moment", "name", *SAID]
    changed = (
        seen.filter(pl.Series(several))
        .group_by("card", "name", *SAID)
        .agg(pl.col("moment").max())
        .sort(order, descending=[column == "moment" for column in order], nulls_last=True)
        .with_columns(pl.col(FILLED).fill_null(strategy="backward").over("card"), state=pl.int_range(pl.len(), dtype=pl.Int32).over("card"))
        .filter(pl.col("state") < STATES_KEPT)
    )
    alone = seen.filter(pl.Series(~several)).with_columns(state=pl.lit(0, pl.Int32))
    return pl.concat([alone, changed.select(alone.columns)]).drop("moment")


def _said() -> list[pl.Expr]:
    """The columns of `SAID`: what a row says of a person, in numbers; null wherever it says nothing that can be used."""
    birth, day_known = pl.col("birth_date"), pl.col("birth_precision").fill_null("day") == "day"
    day_month = pl.when(day_known).then(birth.dt.month().cast(pl.Int32) * 100 + birth.dt.day()).otherwise(0)
    house = pl.col("household").str.strip_chars().str.to_uppercase()
    # Ten digits that begin with a province name a household of the nation, and people take it along; others start anew in each province.
    local = pl.when(~house.str.contains(r"^(0[1-9]|[1-9]\d)\d{8}$")).then(pl.concat_str("province_code", pl.lit("/"))).otherwise(pl.lit(""))
    return [
        (birth.dt.year().cast(pl.Int32) * 10_000 + day_month).alias("born"),
        pl.when(pl.col("sex").is_in(["1", "2"])).then(pl.col("sex")).cast(pl.Int8).alias("sex"),
        digits(pl.col("citizen_id"), 12).alias("citizen"),
        digits(pl.col("citizen_id"), 9).cast(pl.Int32).alias("short_citizen"),
        digits(pl.col("social_insurance_number"), 10).alias("insured_too"),
        _code("province_code").cast(pl.Int16).alias("province"),
        _code("old_province_code").cast(pl.Int16).alias("old_province"),
        _code("commune_code").alias("commune"),
        label(pl.when(~house.str.contains("^[0-]*$")).then(local + house)).alias("household"),  # 0 and - stand for none
        # The house or hamlet: whether the commune, the district and the province follow it depends on the register.
        label(pl.col("address").str.extract(r"^\s*([^,;]*[\p{L}\p{N}])").str.to_lowercase().str.normalize("NFC")).alias("address"),
    ]


def _code(column: str) -> pl.Expr:
    """A code of digits as a number; null for anything else."""
    return pl.col(column).cast(pl.Int32, strict=False)


def standardise(cards: pl.DataFrame | pl.LazyFrame) -> Records:
    """Rows of registers (`expectations.exports.cards` with `period`, `received_rank`) → `Records`. Order of rows plays no part."""
    return records_of(said_of(cards))


def records_of(said: Said) -> Records:
    """The records of what registers say."""
    numbers, table = keyed_numbers(said.numbers), said.names
    card = numbers["card"].to_numpy()[said.rows["number"].to_numpy()]
    seen = states(said.rows.drop("number", *LIFE).with_columns(card=card))
    key_of = numbers["card_key"] == numbers["card_number"]
    keys = numbers.select("card_key", "insured").filter(key_of)
    born, day_month = pl.col("born"), (pl.col("born") % 10_000).cast(pl.Int16)
    rows = seen.with_columns(
        birth=pl.when(day_month > 0).then(born),
        year=(born // 10_000).cast(pl.Int16),
        day_month=pl.when(day_month > 0).then(day_month),
        # 1 January is what a clerk writes who knows the year only.
        vague=day_month.is_in([0, 101]).fill_null(False),
        insured=keys["insured"].gather(seen["card"]),
    ).drop("born")
    rows = rows.with_columns(insured_too=pl.when(pl.col("insured_too") != pl.col("insured").fill_null(-1)).then(pl.col("insured_too")))
    rows, set_aside = without_crowded(rows, table)
    table = table.with_columns(borne=_borne(rows, table))
    return Records(
        numbers=numbers.select("card_number", "card"),
        cards=keys.select("card_key").with_columns(_lives(said.rows.select(*LIFE, "moment"), card, keys.height)),
        rows=in_order(with_verified(rows)).select(pl.exclude("state"), latest=pl.col("state") == 0),
        names=table,
        crowded={kind: set_aside.filter(pl.col("kind") == kind)["number"].n_unique() for kind in CROWDED},
        carriers={kind: set_aside.filter(pl.col("kind") == kind).height for kind in CROWDED},
        set_aside=set_aside,
    )


def _lives(rows: pl.DataFrame, card: npt.NDArray[np.uint32], size: int) -> list[pl.Series]:
    """Of each card (`card`: that of each row): `began`, the first day from which any register has it valid; `died`, the day on which
    its latest row has it withdrawn because its holder died (of several rows of one moment, the last day that is told)."""
    never = np.iinfo(np.int32).max
    began = np.full(size, never, np.int32)
    np.minimum.at(began, card, rows["began"].to_physical().fill_null(never).to_numpy())
    dead = np.zeros(size, bool)
    dead[card[rows["died"].is_not_null().to_numpy()]] = True
    told = rows.with_columns(card=card).filter(pl.Series(dead[card], dtype=pl.Boolean)).sort("card", "moment", "died")
    last = told.unique("card", keep="last", maintain_order=True).drop_nulls("died")
    ended = pl.repeat(None, size, dtype=pl.Date, eager=True).scatter(last["card"], last["died"])
    return [pl.Series("began", began).replace(never, None).cast(pl.Date), ended.alias("died")]


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` so that neighbours resemble each other: by name (sorted already), date, sex, and what tells communes apart well enough; rows
    that are alike in these by card and state (`state`: 0 is the latest; as they lie, where there is no such column)."""
    alike = pl.col("name").cast(pl.Int64).fill_null(-1) * 2**37 + pl.col("birth").fill_null(0).cast(pl.Int64) * 2**12
    alike += pl.col("sex").fill_null(0).cast(pl.Int64) * 2**10 + pl.col("commune").fill_null(0) % 2**10
    key = rows.select(alike=alike)["alike"].to_numpy()
    if "state" not in rows.columns:
        return rows[np.argsort(key, kind="stable")]
    card, first = rows["card"].to_numpy(), np.arange(rows.height)
    if len(card) and int(card.max()) + 1 == len(card) and int(rows["state"].sum()) == 0:
        first[card] = np.arange(rows.height)  # one row of each card
    else:
        first = np.argsort(card.astype(np.int64) * 8 + rows["state"].to_numpy())
    return rows[first[np.argsort(key[first], kind="stable")]]


def _borne(rows: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """Of each name, whether people bear its given name, as it is written. In a small register each is taken for a name."""
    latest = rows.select("name", "state").filter(pl.col("state") == 0)["name"].drop_nulls()
    met = table.select(given="given_accented_id", met=pl.Series(np.bincount(latest.to_numpy(), minlength=table.height)))
    known = (
        met.group_by("given")
        .agg(pl.col("met").sum())
        .filter((pl.col("met") > 0) & (pl.col("met") + 2.5 >= RARE_GIVEN * (latest.len() + 5_000)))
    )
    return table["given_accented_id"].is_in(known["given"].implode())
