"""Pairs of records → how far each field agrees, as a level; every distinct pair of names is compared once."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import polars_ds as pds

from transforms.persons.numbers import GIVEN_OUT_IN
from transforms.persons.standardise import Records

# The levels of each field, the surest first. A level's number in a pattern is its place here, from 1; 0 says that a side knows nothing.
LEVELS: dict[str, tuple[str, ...]] = {
    "name": (
        "same",  # also where only the place of a tone mark or i/y differs
        "unaccented",  # one side has lost its accents
        "other_accents",  # same letters, other accents, but not in the given name
        "rearranged",  # the surname elsewhere, the middle names in another order, or spaces lost
        "part",  # Thị, Văn or middle names dropped
        "misspelt",  # same given name, at most two slips elsewhere
        "given_name_slip",  # all the same but one letter, or the accents, of the given name, and one of the two is hardly anybody's name
        "given_name_close",  # the same, but both are names that people bear: Hùng and Hưng
        "other_middle_name",
        "same_given_name",
        "same_surname",
        "other",
    ),
    "birth": (
        "same",
        "swapped",  # day and month in the other order
        "one_digit",  # one digit of ddmmyyyy differs
        "year",  # same year, and one side knows no more (01/01 counts as no more)
        "same_year",
        "other",
    ),
    "sex": ("same", "other"),
    "citizen": (
        "same_verified",  # same CCCD, and it agrees with sex and birth year on both cards
        "same",  # same CCCD or CMND otherwise: perhaps a parent's
        "one_digit",
        "other_verified",  # two CCCDs that both agree with their cards
        "other_short",  # two different CMNDs: people had new ones in another province
    ),
    "insured": ("same", "one_digit", "other"),
    "place": (
        "household",  # the same number of household
        "address",  # the same house or hamlet in one commune
        "commune",  # the same commune, and no more is known
        "commune_other_home",  # the same commune, but another household or another address
        "near",  # two communes of one province whose codes are at most `NEAR` apart: those of a former district lie together
        "old_province",
        "province",
        "moved",  # another province, but the social insurance number of one, which the other has not, was given out in the other's
        "born_there",  # another province, and the CCCD of the one that has any is from the other's
        "other",
    ),
}
FIELDS = tuple(LEVELS)
NAME_IDS = ("plain", "joined", "ordered", "surname", "given", "middle", "given_accented")  # with `_id`: columns of `Records.names`
NEAR = 60  # of 100 pairs of communes that share a former district 85 are as near, of 100 pairs of one province 11 (crosswalk of 2025)
RARITIES = 80  # steps of half a bit of the chance of coincidence
# Levels of a name at which the chance of that very name counts, and of which name: of the `whole` (the commoner of the two), of its `ends`
# (surname and given name), or of the `shorter` one, as others bear that in its own right.
RARE_LEVELS = {
    "same": "whole", "unaccented": "whole", "other_accents": "whole", "rearranged": "whole", "part": "shorter", "misspelt": "ends",
    "given_name_slip": "whole", "other_middle_name": "ends",
}  # fmt: skip

# |a − b| of two numbers that differ in one digit is d·10^k.
_ONE_DIGIT_STEPS = [d * 10**k for k in range(12) for d in range(1, 10)]


@dataclass(frozen=True)
class Chances:
    """How rare what two records have in common is, in half bits (whole numbers), row by row of `Records.rows`.

    `whole`, `ends`: the name as it stands, and its surname and given name, among people born about then (0: everyone has it).
    `commune`, `province`, `year`: how much rarer they are than those that two random people share, so also below 0."""

    rows: pl.DataFrame


@dataclass(frozen=True)
class Compared:
    """`pairs`: `left`, `right`, `pattern`. `patterns`: `pattern`, one column of levels per field, `rarity`, `pairs`; sorted."""

    pairs: pl.DataFrame
    patterns: pl.DataFrame


def _code(field: str, level: str) -> pl.Expr:
    return pl.lit(LEVELS[field].index(level) + 1, pl.UInt8)


def pattern_code() -> pl.Expr:
    """The levels of all fields and the rarity as one number."""
    code = pl.col("rarity").cast(pl.Int32)
    for field in FIELDS:
        code = code * (len(LEVELS[field]) + 1) + pl.col(field)
    return code


def pattern_frame(pattern: pl.Series) -> pl.DataFrame:
    """`Compared.patterns`, without `pairs`, from the codes: `pattern_code` taken apart."""
    columns, rest = {}, pl.col("pattern")
    for field in reversed(FIELDS):
        levels = len(LEVELS[field]) + 1
        columns[field] = (rest % levels).cast(pl.UInt8)
        rest = rest // levels
    return pl.DataFrame({"pattern": pattern}).select(
        "pattern", *(columns[field].alias(field) for field in FIELDS), rest.cast(pl.Int8).alias("rarity")
    )


def compare(records: Records, pairs: pl.DataFrame, chances: Chances, chunk: int = 2_000_000) -> Compared:
    """Levels of all `pairs` (`left`, `right`: rows of `records.rows`).

    `chances`: as `weigh.chances`. Pairs are taken in chunks to bound memory; the size plays no part.
    """
    named = name_levels(records, pairs)
    words = records.names["middle"].str.count_matches(" ", literal=True)
    rows = records.rows.hstack(chances.rows.select(pl.all().name.suffix("_bits"))).with_columns(words=words.gather(records.rows["name"]))
    coded, counted = [], []
    for start in range(0, max(pairs.height, 1), chunk):
        levels = _levels(rows, pairs.slice(start, chunk), named.slice(start, chunk)).with_columns(pattern=pattern_code())
        coded.append(levels.select("left", "right", "pattern"))
        counted.append(levels.group_by("pattern", *FIELDS, "rarity").agg(pairs=pl.len()))
    patterns = pl.concat(counted).group_by("pattern", *FIELDS, "rarity").agg(pl.col("pairs").sum()).sort("pattern")
    return Compared(pl.concat(coded), patterns.select("pattern", *FIELDS, "rarity", "pairs"))


def _levels(rows: pl.DataFrame, pairs: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    columns = [c for c in rows.columns if c not in ("card", "latest", "name")]
    left = rows.select(pl.col(columns).gather(pairs["left"]))
    right = rows.select(pl.col(columns).gather(pairs["right"]).name.prefix("other_"))
    return pl.concat([pairs, left, right, named], how="horizontal").select(
        "left",
        "right",
        "name",
        rarity=_rarity(),
        birth=_birth(),
        sex=_same("sex", "sex"),
        citizen=_citizen(),
        insured=_insured(),
        place=_place(),
    )


def _rarity() -> pl.Expr:
    """The rarity of the name (of the commoner of the two: the careful side) and of what else the two have in common."""
    name = pl.col("name")
    places = {level: place for place, level in enumerate(LEVELS["name"], 1)}
    by = {kind: name.is_in([places[level] for level, of in RARE_LEVELS.items() if of == kind]) for kind in ("ends", "shorter")}
    words, other_words = pl.col("words"), pl.col("other_words")
    bits = (
        pl.when(by["ends"])
        .then(pl.min_horizontal("ends_bits", "other_ends_bits"))
        .when(by["shorter"] & (words < other_words))
        .then("whole_bits")
        .when(by["shorter"] & (words > other_words))
        .then("other_whole_bits")
        .otherwise(pl.min_horizontal("whole_bits", "other_whole_bits"))
    )
    bits += pl.when(_equal("commune")).then("commune_bits").when(_equal("province")).then("province_bits").otherwise(0)
    bits += pl.when(_equal("year")).then("year_bits").otherwise(0)
    counts = name.is_in([places[level] for level in RARE_LEVELS])
    return pl.when(counts).then(bits.clip(0, RARITIES - 1)).otherwise(0).cast(pl.Int8)


def _equal(column: str) -> pl.Expr:
    return (pl.col(column) == pl.col(f"other_{column}")).fill_null(False)


def _same(column: str, field: str) -> pl.Expr:
    known = pl.col(column).is_not_null() & pl.col(f"other_{column}").is_not_null()
    return pl.when(_equal(column)).then(_code(field, "same")).when(known).then(_code(field, "other")).otherwise(pl.lit(0, pl.UInt8))


def one_digit_apart(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Two whole numbers of up to 12 digits differ in exactly one digit; false where one is unknown."""
    step = (a - b).abs()
    power = pl.lit(1, pl.Int64)
    for k in range(1, 12):
        power = pl.when(step >= 10**k).then(pl.lit(10**k, pl.Int64)).otherwise(power)
    # No borrow: all digits above the one that differs are the same.
    return (step.is_in(_ONE_DIGIT_STEPS) & (a // (power * 10) == b // (power * 10))).fill_null(False)


def _birth() -> pl.Expr:
    a, b = pl.col("birth"), pl.col("other_birth")
    year, other_year = pl.col("year"), pl.col("other_year")
    month_day, other_month_day = pl.col("day_month"), pl.col("other_day_month")
    vague = pl.col("vague") | pl.col("other_vague")
    swapped = (month_day // 100 == other_month_day % 100) & (month_day % 100 == other_month_day // 100)
    return (
        pl.when(year.is_null() | other_year.is_null())
        .then(pl.lit(0, pl.UInt8))
        .when(vague & (year == other_year))
        .then(_code("birth", "year"))
        .when(a == b)
        .then(_code("birth", "same"))
        .when((year == other_year) & swapped)
        .then(_code("birth", "swapped"))
        .when(~vague & one_digit_apart(a.cast(pl.Int64), b.cast(pl.Int64)))
        .then(_code("birth", "one_digit"))
        .when(year == other_year)
        .then(_code("birth", "same_year"))
        .otherwise(_code("birth", "other"))
    )


def _citizen() -> pl.Expr:
    a, b = pl.col("citizen"), pl.col("other_citizen")
    verified = pl.col("verified") & pl.col("other_verified")
    short, other_short = pl.col("short_citizen"), pl.col("other_short_citizen")
    return (
        pl.when((a == b) & verified)
        .then(_code("citizen", "same_verified"))
        .when((a == b).fill_null(False) | (short == other_short).fill_null(False))
        .then(_code("citizen", "same"))
        .when(one_digit_apart(a, b) | one_digit_apart(short, other_short))
        .then(_code("citizen", "one_digit"))
        .when(verified & (a != b))
        .then(_code("citizen", "other_verified"))
        .when(short != other_short)
        .then(_code("citizen", "other_short"))
        # A number that contradicts its own card is perhaps a parent's: that it differs says nothing.
        .otherwise(pl.lit(0, pl.UInt8))
    )


def _insured() -> pl.Expr:
    own, listed = pl.col("insured"), pl.col("insured_too")
    other_own, other_listed = pl.col("other_insured"), pl.col("other_insured_too")
    met = pl.any_horizontal((a == b).fill_null(False) for a in (own, listed) for b in (other_own, other_listed))
    return (
        pl.when(met)
        .then(_code("insured", "same"))
        .when(one_digit_apart(own, other_own))
        .then(_code("insured", "one_digit"))
        .when(own.is_not_null() & other_own.is_not_null())
        .then(_code("insured", "other"))
        .otherwise(pl.lit(0, pl.UInt8))
    )


def _given_out_there(number: str, digits: int) -> pl.Expr:
    """The province in which one record's number was given out, which so many digits follow, is that of the other record."""
    there = pl.lit(pl.Series(GIVEN_OUT_IN))
    one = there.gather(pl.col(number) // 10**digits) == pl.col("other_province")
    other = there.gather(pl.col(f"other_{number}") // 10**digits) == pl.col("province")
    return one.fill_null(False) | other.fill_null(False)


def _place() -> pl.Expr:
    near = _equal("province") & ((pl.col("commune") - pl.col("other_commune")).abs() <= NEAR).fill_null(False)
    other_number = _insured() > LEVELS["insured"].index("same") + 1
    one_citizen = pl.col("citizen").is_null() != pl.col("other_citizen").is_null()
    known = pl.col("province").is_not_null() & pl.col("other_province").is_not_null()
    other_home = pl.any_horizontal((pl.col(c) != pl.col(f"other_{c}")).fill_null(False) for c in ("household", "address"))
    return (
        pl.when(_equal("household"))
        .then(_code("place", "household"))
        .when(_equal("commune") & _equal("address"))
        .then(_code("place", "address"))
        .when(_equal("commune") & other_home)
        .then(_code("place", "commune_other_home"))
        .when(_equal("commune"))
        .then(_code("place", "commune"))
        .when(near)
        .then(_code("place", "near"))
        .when(_equal("province") & _equal("old_province"))
        .then(_code("place", "old_province"))
        .when(_equal("province"))
        .then(_code("place", "province"))
        .when(known & other_number & _given_out_there("insured", 8))
        .then(_code("place", "moved"))
        .when(known & one_citizen & _given_out_there("citizen", 9))
        .then(_code("place", "born_there"))
        .when(known)
        .then(_code("place", "other"))
        .otherwise(pl.lit(0, pl.UInt8))
    )


def home_levels(records: Records, pairs: pl.DataFrame) -> pl.DataFrame:
    """`insured`, `place` (levels) of each pair, in the order of `pairs`."""
    columns = ("citizen", "insured", "insured_too", "province", "old_province", "commune", "household", "address")
    rows = records.rows.select(columns)
    left, right = rows.select(pl.all().gather(pairs["left"])), rows.select(pl.all().gather(pairs["right"]).name.prefix("other_"))
    return pl.concat([left, right], how="horizontal").select(insured=_insured(), place=_place())


def name_levels(records: Records, pairs: pl.DataFrame) -> pl.DataFrame:
    """`name` (level) of each pair, in the order of `pairs`."""
    name = records.rows["name"]
    size = max(records.names.height, 1)
    one, two = (pairs.select(name.gather(pairs[side]).cast(pl.Int64)).to_series() for side in ("left", "right"))
    # Either order of two names is one pair; -1: a side has no name.
    code = pl.select(
        code=pl.when(one.is_not_null() & two.is_not_null())
        .then(pl.min_horizontal(one, two) * size + pl.max_horizontal(one, two))
        .otherwise(-1)
    )
    distinct = code.unique()
    split = distinct.filter(pl.col("code") >= 0).with_columns(one=pl.col("code") // size, two=pl.col("code") % size)
    compared = compare_names(records.names, split)
    return code.join(compared, on="code", how="left", maintain_order="left").select(pl.col("name").fill_null(0))


def compare_names(names: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`code`, `one`, `two` (rows of `names`) → `code`, `name`."""
    same = pairs.filter(pl.col("one") == pl.col("two"))
    differ = pairs.filter(pl.col("one") != pl.col("two"))
    frame = _beside(names, differ, [*(f"{column}_id" for column in NAME_IDS), "accented"])
    plain = _equal("plain_id")
    bare = ~pl.col("accented") | ~pl.col("other_accented")
    quickly = (
        pl.when(plain & bare)
        .then(_code("name", "unaccented"))
        .when(plain & _equal("given_accented_id"))
        .then(_code("name", "other_accents"))
        .when(plain)
        .then(pl.lit(None, pl.UInt8))
        # Mai Lan and Lan Mai of one surname are two names.
        .when(_equal("joined_id") | (_equal("ordered_id") & (_equal("given_id") | ~_equal("surname_id"))))
        .then(_code("name", "rearranged"))
        .when(~_equal("surname_id") & ~_equal("given_id") & ~_equal("middle_id"))
        .then(_code("name", "other"))
    )
    frame = frame.with_columns(name=quickly)
    done, strings = frame.filter(pl.col("name").is_not_null()), frame.filter(pl.col("name").is_null())
    alone = same.select("code", name=_code("name", "same"))
    return pl.concat([alone, done.select("code", "name"), compare_texts(names, strings.select("code", "one", "two"))])


def _beside(names: pl.DataFrame, pairs: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """`pairs` (`one`, `two`: rows of `names`) with these columns of the one name, and of the other one as `other_…`."""
    one, two = (names.select(pl.col(columns).gather(pairs[side])) for side in ("one", "two"))
    return pl.concat([pairs, one, two.select(pl.all().name.prefix("other_"))], how="horizontal")


def compare_texts(names: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """As `compare_names`, of different names that only their text can tell, with or without its accents."""
    columns = ["plain_id", "surname_id", "given_id", "middle_id", "borne", "plain", "given", "given_accented", "middle"]
    strings = _beside(names, pairs, columns)
    same_ends, plain = _equal("surname_id") & _equal("given_id"), _equal("plain_id")
    middle, other_middle = pl.col("middle"), pl.col("other_middle")
    contained = middle.str.contains(other_middle, literal=True) | other_middle.str.contains(middle, literal=True)
    # Columns of their own: inside when/then Polars may hand a plugin nulls for rows decided before, and polars-ds 0.13 panics on them.
    strings = strings.with_columns(
        slips=pds.str_osa("plain", "other_plain", return_sim=False), given_slips=pds.str_osa("given", "other_given", return_sim=False)
    )
    slips, given_slips = pl.col("slips"), pl.col("given_slips")
    bare_given = (pl.col("given") == pl.col("given_accented")) | (pl.col("other_given") == pl.col("other_given_accented"))
    near_given = (
        pl.when(pl.col("borne") & pl.col("other_borne")).then(_code("name", "given_name_close")).otherwise(_code("name", "given_name_slip"))
    )
    given_letters = [pl.col(c).str.len_bytes() for c in ("given", "other_given")]
    long_given = (pl.min_horizontal(given_letters) >= 2) & (pl.max_horizontal(given_letters) >= 3)
    strings = strings.with_columns(
        name=pl.when(plain & bare_given)
        .then(_code("name", "other_accents"))
        .when(plain)
        .then(near_given)
        .when(same_ends & contained)
        .then(_code("name", "part"))
        .when(_equal("given_id") & (slips <= 2))
        .then(_code("name", "misspelt"))
        .when(_equal("surname_id") & _equal("middle_id") & (given_slips <= 1) & long_given)
        .then(near_given)
        .when(same_ends)
        .then(_code("name", "other_middle_name"))
        .when(_equal("given_id"))
        .then(_code("name", "same_given_name"))
        .when(_equal("surname_id"))
        .then(_code("name", "same_surname"))
        .otherwise(_code("name", "other"))
    )
    return strings.select("code", "name")
