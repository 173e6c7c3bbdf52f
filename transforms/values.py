"""Text to values: how a cell of each kind (`expectations.declare.Kind.name`) is read. Pure Polars expressions.

`read(kind, text)` gives the value and, for identifiers, whether leading zeros were restored. A null value beside a filled
cell means *unreadable*; nothing is guessed. Source of the forms: contract "The landing zone: what arrives" (numbers, dates,
identifiers that Excel stripped of zeros) and domain/formats.md §2.2, §5, §7.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from expectations.declare import Kind
from transforms.dates import birth_precision, read_birth_date, read_date, read_moment
from transforms.tax_codes import check_digit_agrees, plausible_personal_number

Reading = tuple[pl.Expr, pl.Expr | None]

# \s of the regex engine knows the no-break spaces; the zero-width marks it does not.
INVISIBLE = r"[\u200b-\u200d\u2060\ufeff]"
SPACES = r"[\s\u00a0]+"

FORMULA_ERROR = r"^#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|ERROR)$"

# Wide enough for 16 digits before the mark and every digit that a float shows behind it.
_WORKING = pl.Decimal(38, 20)


def clean(text: pl.Expr) -> pl.Expr:
    """Text without invisible marks, each run of white space one space, NFC; empty is null."""
    kept = text.str.normalize("NFC").str.replace_all(INVISIBLE, "").str.replace_all(SPACES, " ").str.strip_chars()
    return pl.when(kept != "").then(kept)


def read(kind: Kind, text: pl.Expr) -> Reading:
    """The value of `text` (String) as `kind`, of `kind.polars`; and, for identifiers, whether zeros were restored (Boolean, never null).

    Raises `KeyError` for a kind that is not read from text (`month`, `names`, …).
    """
    return _READERS[kind.name](kind, text)


# Text that is its own value: most cells. The letters are those of Vietnamese, composed, which NFC leaves alone.
_LETTERS = "[!-~\u00c0-\u024f\u1e00-\u1eff]+"
_FIRST = '[!"$-~\u00c0-\u024f\u1e00-\u1eff]'  # no `#`: it may be an error of a formula
_DIGIT_FORMS = {2: r"^[0-9]{2}$", 5: r"^([0-9]{5}|[0-9]{2}[A-Z][0-9]{2})$", None: r"^([0-9A-Z_-]+|[A-Z][0-9A-Z.]*)$"}
_OWN_VALUE = {
    "facility_code": r"^([0-9]{5}|[0-9]{2}[A-Z][0-9]{2})$",
    "text": f"^{_FIRST}{_LETTERS[:-1]}*(?: {_LETTERS})*$",
    "card_number": r"^([A-Z]{2}[1-5][0-9]{12}|[0-9]{10})$",
    "social_insurance_number": r"^[0-9]{10}$",
    "citizen_id": r"^([0-9]{12}|[0-9]{9})$",
    "tax_code": r"^([0-9]{10}|[0-9]{13})$",
    "sex": r"^[123]$",
}
_OWN_NUMBER = {"integer": r"^-?[0-9]{1,18}$", "money": r"^-?[0-9]{1,15}([.][0-9]{1,2})?$", "quantity": r"^-?[0-9]{1,14}([.][0-9]{1,3})?$"}
# Whole days of the years that the kind allows, written out; `transforms.dates` says the same in more words.
_OWN_YEARS = {"date": "(?:19|[2-9][0-9])[0-9]{2}", "birth_date": "(?:19[0-9]{2}|20[0-9]{2}|2100)", "moment": "(?:19|[2-9][0-9])[0-9]{2}"}


def plain(kind: Kind, text: pl.Expr) -> pl.Expr | None:
    """A short cut of `read` for cells already in canonical form: the same value where it gives one, null elsewhere.

    None for kinds that have no such form. Nothing it reads was restored.
    """
    if pattern := _DIGIT_FORMS.get(kind.width) if kind.name == "code" else _OWN_VALUE.get(kind.name):
        return pl.when(text.str.contains(pattern)).then(text)
    if pattern := _OWN_NUMBER.get(kind.name):
        return pl.when(text.str.contains(pattern)).then(text).cast(kind.polars, strict=False)
    if years := _OWN_YEARS.get(kind.name):
        return _written_out(kind, text, years)
    return None


def _written_out(kind: Kind, text: pl.Expr, years: str) -> pl.Expr:
    """dd/mm/yyyy and yyyymmdd, of birth dates also yyyymmddHHMM; moments yyyymmddHHMM. Null for a day that does not exist."""

    def of(pattern: str) -> pl.Expr:
        return pl.when(text.str.contains(pattern)).then(text)

    if kind.name == "moment":
        return of(f"^{years}[0-9]{{8}}$").str.to_datetime("%Y%m%d%H%M", strict=False, time_unit="us")
    clock = "(?:[0-9]{4})?" if kind.name == "birth_date" else ""
    day_first = of(f"^[0-9]{{2}}/[0-9]{{2}}/{years}$").str.to_date("%d/%m/%Y", strict=False)
    year_first = of(f"^{years}[0-9]{{4}}{clock}$").str.slice(0, 8).str.to_date("%Y%m%d", strict=False)
    return pl.coalesce(day_first, year_first)


def _bare(text: pl.Expr) -> pl.Expr:
    """An identifier or code without spaces and the `.0` that a spreadsheet adds to digits, in upper case; empty is null."""
    squeezed = text.str.replace_all(r"[\s\u00a0\u200b-\u200d\u2060\ufeff]+", "").str.strip_chars_start("'").str.to_uppercase()
    kept = squeezed.str.replace(r"^(\d+)\.0+$", "${1}")
    return pl.when(kept != "").then(kept)


def _digits(text: pl.Expr) -> pl.Expr:
    return text.str.contains(r"^[0-9]+$")


def _identifier(value: pl.Expr, restored: pl.Expr) -> Reading:
    return value, restored.fill_null(False)


def _text(_: Kind, text: pl.Expr) -> Reading:
    """Clean text; what a failed formula leaves in a cell is none."""
    kept = clean(text)
    return pl.when(~kept.str.contains(FORMULA_ERROR)).then(kept), None


def _card_number(_: Kind, text: pl.Expr) -> Reading:
    """15 characters (object code, level 1-5, province, ten digits) or the ten digits alone. Nine digits lost a zero."""
    bare = _bare(text).str.replace_all(r"[.\-]", "")
    lost = bare.str.contains(r"^[0-9]{9}$")
    whole = bare.str.contains(r"^([A-Z]{2}[1-5][0-9]{12}|[0-9]{10})$")
    return _identifier(pl.when(whole).then(bare).when(lost).then("0" + bare), lost)


def _social_insurance_number(_: Kind, text: pl.Expr) -> Reading:
    bare = _bare(text).str.replace_all(r"[.\-]", "")
    lost = bare.str.contains(r"^[0-9]{9}$")
    return _identifier(pl.when(bare.str.contains(r"^[0-9]{10}$")).then(bare).when(lost).then("0" + bare), lost)


def _citizen_id(_: Kind, text: pl.Expr) -> Reading:
    """CCCD of 12 digits, CMND of 9, or a capital letter and 7 digits. 10 and 11 digits are a CCCD, 8 a CMND that lost zeros."""
    bare = _bare(text).str.replace_all(r"[.\-]", "")
    length = bare.str.len_bytes()
    digits = _digits(bare)
    lost = digits & length.is_in([8, 10, 11])
    value = (
        pl.when(digits & length.is_in([9, 12]))
        .then(bare)
        .when(digits & (length == 8))
        .then(bare.str.zfill(9))
        .when(digits & length.is_in([10, 11]))
        .then(bare.str.zfill(12))
        .when(bare.str.contains(r"^[A-Z][0-9]{7}$"))
        .then(bare)
    )
    return _identifier(value, lost)


def _tax_code(_: Kind, text: pl.Expr) -> Reading:
    """10 digits, 13 with the branch (a hyphen before it is dropped), 12 of a person (TT 86/2024/TT-BTC).

    Nine digits, or nine and a branch after a hyphen, lost a zero. Twelve digits are a branch that lost its zero only where
    that is certain: the check digit agrees and the number cannot be a citizen's.
    """
    dotless = _bare(text).str.replace_all(r"\.", "")
    bare = dotless.str.replace(r"^([0-9]{9,10})-([0-9]{3})$", "${1}${2}")
    length = bare.str.len_bytes()
    digits = _digits(bare)
    padded = "0" + bare
    branch = digits & (length == 12) & check_digit_agrees(padded) & ~plausible_personal_number(bare)
    lost = (digits & (length == 9)) | dotless.str.contains(r"^[0-9]{9}-[0-9]{3}$") | branch
    value = pl.when(lost).then(padded).when(digits & length.is_in([10, 12, 13])).then(bare)
    return _identifier(value, lost)


def _code(kind: Kind, text: pl.Expr) -> Reading:
    """A code in upper case. With a width, digits that are too short get their zeros back (flagged for communes);
    two-digit codes also arrive with three, as `079` (`MATINH_CU_TRU` is str 3: the last two count).
    """
    bare = clean(text).str.to_uppercase().str.replace(r"^(\d+)\.0+$", "${1}")
    if kind.width is None:
        return bare, None
    if kind.width == 2:
        bare = bare.str.replace(r"^0([0-9]{2})$", "${1}")
    short = _digits(bare) & (bare.str.len_bytes() < kind.width)
    value = pl.when(short).then(bare.str.zfill(kind.width)).otherwise(bare)
    return (value, short.fill_null(False)) if kind.width >= 5 else (value, None)


def _age_band(_: Kind, text: pl.Expr) -> Reading:
    """`18-59` or `80+`, with any dash and with spaces; text that is no band (`Tổng`) is unreadable."""
    bare = _bare(text).str.replace_all("[\u2010-\u2015\u2212]", "-")
    return pl.when(bare.str.contains(r"^([0-9]{1,3}-[0-9]{1,3}|[0-9]{1,3}\+)$")).then(bare), None


def _facility_code(_: Kind, text: pl.Expr) -> Reading:
    """Five letters and digits, also written `01-001` or `01/001`. Four digits lost the zero of their province; nothing else is sure.

    Other text is unreadable: a name or an identifier that slipped into this column must not become a facility that everybody sees.
    """
    bare = _bare(text).str.replace_all(r"[.\-/]", "")
    lost = bare.str.contains(r"^[0-9]{4}$")
    return _identifier(pl.when(bare.str.contains(r"^[0-9A-Z]{5}$")).then(bare).when(lost).then("0" + bare), lost)


def _bare_code(_: Kind, text: pl.Expr) -> Reading:
    bare = _bare(text)
    kept = bare.str.strip_chars_start("0")
    return pl.when(kept == "").then(pl.lit("0")).otherwise(kept), None


def folded(text: pl.Expr) -> pl.Expr:
    """Lower case without accents, đ as d, one space between words."""
    plain = text.str.to_lowercase().str.normalize("NFKD").str.replace_all(r"\p{Mn}", "").str.replace_all("đ", "d")
    return plain.str.replace_all(SPACES, " ").str.strip_chars()


_SEX = {"1": "1", "1.0": "1", "nam": "1", "2": "2", "2.0": "2", "nu": "2", "3": "3", "3.0": "3"} | {
    "chua xac dinh": "3",
    "khong xac dinh": "3",
}


def _sex(_: Kind, text: pl.Expr) -> Reading:
    return folded(text).replace_strict(_SEX, default=None, return_dtype=pl.String), None


_ROMAN = {"1": "1", "2": "2", "3": "3", "4": "4", "i": "1", "ii": "2", "iii": "3", "iv": "4"}


def _quarter(_: Kind, text: pl.Expr) -> Reading:
    """`2025-Q3`, `2025Q3`, `Q3/2025`, `Quý 3/2025`, `Quý III/2025`, `3/2025`; `03/2025` may be a month and is unreadable."""
    number = "[1-4]|i{1,3}|iv"
    year_first = rf"(?P<y1>\d{{4}})[-/ ]?q(?:uy)? ?(?P<q1>{number})"
    quarter_first = rf"(?:q(?:uy)?[ .]?)?(?P<q2>{number})(?: ?[-/] ?| nam | )(?P<y2>\d{{4}})"
    parts = folded(text).str.extract_groups(f"^(?:{year_first}|{quarter_first})$")
    year = pl.coalesce(parts.struct.field("y1"), parts.struct.field("y2"))
    quarter = pl.coalesce(parts.struct.field("q1"), parts.struct.field("q2")).replace_strict(_ROMAN, default=None, return_dtype=pl.String)
    return pl.when(year.cast(pl.Int32, strict=False).is_between(1900, 2100)).then(year + "-Q" + quarter), None


def _decimal(text: pl.Expr) -> pl.Expr:
    """A decimal of up to 20 places; `.` is the only mark, an exponent is allowed, everything else is null.

    Further places are cut, not rounded: rounding half up looks at one digit only, so it must happen once.
    """
    written = text.str.strip_chars().str.replace(r"^([+-]?[0-9]*\.[0-9]{20})[0-9]+$", "${1}")
    number = written.str.contains(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$")
    return pl.when(number).then(written).cast(_WORKING, strict=False)


def _rounded(kind: Kind, text: pl.Expr) -> Reading:
    """A decimal rounded half up (away from zero) at the declared scale: `230.000` is 230, `1.005` is 1.01."""
    assert isinstance(kind.polars, pl.Decimal)
    return _decimal(text).round(kind.polars.scale, mode="half_away_from_zero").cast(kind.polars, strict=False), None


def _percent(kind: Kind, text: pl.Expr) -> Reading:
    return _rounded(kind, text.str.strip_chars().str.strip_suffix("%"))


def _integer(_: Kind, text: pl.Expr) -> Reading:
    """`123`, `123.0`, `1.5E7`; a fraction or a thousands separator is unreadable."""
    number = _decimal(text)
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False), None


def _between(low: int, high: int) -> Callable[[Kind, pl.Expr], Reading]:
    def reader(kind: Kind, text: pl.Expr) -> Reading:
        number, _ = _integer(kind, text)
        return pl.when(number.is_between(low, high)).then(number).cast(kind.polars), None

    return reader


_READERS: dict[str, Callable[[Kind, pl.Expr], Reading]] = {
    "text": _text,
    "card_number": _card_number,
    "social_insurance_number": _social_insurance_number,
    "citizen_id": _citizen_id,
    "tax_code": _tax_code,
    "code": _code,
    "age_band": _age_band,
    "facility_code": _facility_code,
    "bare_code": _bare_code,
    "sex": _sex,
    "date": lambda _, text: (read_date(text), None),
    "birth_date": lambda _, text: (read_birth_date(text), None),
    "moment": lambda _, text: (read_moment(text), None),
    "year": _between(1900, 2100),
    "month_number": _between(1, 12),
    "quarter": _quarter,
    "integer": _integer,
    "money": _rounded,
    "quantity": _rounded,
    "percent": _percent,
}

__all__ = ["Reading", "birth_precision", "clean", "folded", "plain", "read"]
