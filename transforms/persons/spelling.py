"""Names as written → one standard form, and the parts that comparisons look at. Each distinct text is taken apart once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below: in NFD behind their vowel
_NGUYEN = "nguye\u0302n\u0303"  # in standard form
_CONSONANTS = "bcdđghklmnpqrstvx"


def standard_name(name: pl.Expr) -> pl.Expr:
    """A name in lower case, decomposed (NFD), one space between words, its spelling variants folded.

    ð, ñ and ɖ, which old fonts and encodings leave behind, are đ. Tone marks move to the end of their syllable (hòa = hoà), y after a
    consonant or qu is i (Lý = Lí), other characters than letters are spaces. What stands in brackets (a pet name, a note) is left out, and
    Ng. is Nguyễn. `Mai` and `May`, `Thuý` and `Thuí` stay different names.
    """
    return (
        name.str.normalize("NFD")
        .str.to_lowercase()
        .str.replace_all("ð|ɖ|n\u0303", "đ")
        .str.replace_all(r"[(\[{].*?[)\]}]", " ")
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
    (without spaces), `ordered_id` (the words in any order), `surname_id`, `given_id`, `middle_id`, `given_accented_id`.
    """
    name, plain, words = pl.col("standard"), pl.col("plain"), pl.col("words")
    length = words.list.len().cast(pl.Int64)
    taken = (
        standard.unique().drop_nulls().rename("standard").to_frame().filter(name != "")
        .with_columns(plain=name.str.replace_all(r"\p{M}", "").str.replace_all("đ", "d", literal=True))
        .sort("plain", "standard")
        .with_columns(words=plain.str.split(" "))
        .with_columns(
            accented=name != plain,
            given=words.list.last(),
            given_accented=name.str.split(" ").list.last(),
            middle=(pl.lit(" ") + words.list.slice(1, (length - 2).clip(0)).list.join(" ") + pl.lit(" ")).str.replace("^  $", " "),
            plain_id=(plain.rle_id() + 1).cast(pl.UInt32),
            # A y that stands for i at the end of a word is no longer at an end once the words are joined.
            joined_id=label(plain.str.replace_all(" ", "", literal=True).str.replace_all(f"([{_CONSONANTS}])y", "${1}i")),
            surname_id=label(pl.when(length > 1).then(words.list.first())),
        )
    )  # fmt: skip
    ordered = taken["words"].explode().hash().to_numpy()
    taken = taken.with_columns(ordered_id=_in_any_order(ordered, taken["words"].list.len().to_numpy())).drop("words")
    return taken.with_columns(label(pl.col(c)).alias(f"{c}_id") for c in ("given", "middle", "given_accented"))


def _in_any_order(hashes: npt.NDArray[np.uint64], words: npt.NDArray[np.uint32]) -> pl.Series:
    """A number for the words of each name that does not depend on their order: the sum of their hashes. `words`: how many each has."""
    starts = np.cumsum(words, dtype=np.int64) - words
    sums = np.add.reduceat(hashes, starts) if len(starts) else np.zeros(0, np.uint64)
    return pl.Series((sums % np.uint64(2**32 - 1) + np.uint64(1)).astype(np.uint32))


def label(text: pl.Expr) -> pl.Expr:
    """A number between 1 and 2³² − 1 that is equal where the text is (two texts in four billion share theirs)."""
    return pl.when(text.is_not_null()).then((text.hash() % (2**32 - 1) + 1).cast(pl.UInt32))


def ranked(hashes: pl.Series) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """A row of each distinct number, in ascending order of the numbers; and of each row the place of its number among these."""
    order = hashes.arg_sort().to_numpy()
    ascending = hashes.to_numpy()[order]
    begins = np.append(True, ascending[1:] != ascending[:-1]) if len(order) else np.zeros(0, bool)
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.cumsum(begins, dtype=np.uint32) - np.uint32(1)
    return order[begins], rank


def named_rows(spelt: pl.Series, hashes: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """`names` of all that is `spelt` (each distinct name as delivered), and of each row the name's place there, null where it has none.

    `hashes`: the hash of what each row has for a name; null without.
    """
    table = spelt.drop_nulls().to_frame("spelt").with_columns(standard=standard_name(pl.col("spelt")), hash=pl.col("spelt").hash())
    table = table.filter(pl.col("standard") != "").unique("hash", keep="any").sort("hash")
    one, of_spelt = ranked(table["standard"].hash())
    found = names(table["standard"].gather(one))
    # Both lie in the order of the hashes of the standard form.
    place = np.empty(found.height, np.int32)
    place[:] = found["standard"].hash().arg_sort().to_numpy()
    first, of_row = ranked(hashes)
    known = np.append(table["hash"].to_numpy(), np.uint64(0))
    distinct = hashes.gather(first)
    at = np.searchsorted(known[:-1], distinct.fill_null(0).to_numpy())
    met = (known[at] == distinct.fill_null(0).to_numpy()) & distinct.is_not_null().to_numpy()
    name_of = pl.Series(np.append(place[of_spelt], np.int32(0))[at], dtype=pl.Int32)
    name_of = pl.select(pl.when(pl.Series(met)).then(name_of)).to_series()
    return found, name_of.gather(of_row).alias("name")
