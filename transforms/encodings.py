"""Vietnamese text in old encodings: TCVN3 (`.VnTime` fonts), VNI (`VNI-Times` fonts) and Windows-1258.

A font encoding stores Vietnamese in the bytes of Western letters. Such text arrives as 8-bit bytes, or, copied through a program that took
the bytes for Latin-1, as mojibake (`B¸o c¸o tµi chÝnh`) inside UTF-8, XLSX or Parquet. Both are the same once the bytes are read as
Latin-1, so there is one conversion, `converted`. What a file holds is decided once per file, by how many of its words are possible
Vietnamese syllables under each reading; a file that already is Unicode is never touched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

import polars as pl


class Font(StrEnum):
    """A font encoding that text may be in."""

    TCVN3 = "tcvn3"
    VNI = "vni"


# TCVN 5712:1993 VN3, bytes A1-FE. It has no capitals with tones: headings were typed in a font that draws small letters as capitals.
_TCVN3 = dict(
    zip(
        "¡¢£¤¥¦§¨©ª«¬\u00ad®µ¸¶·¹»¾¼½ÆÇÊÈÉËÌÐÎÏÑÒÕÓÔÖ×ÝØÜÞßãáâäåèæçéêíëìîïóñòôõøö÷ùúýûüþ",
        "ĂÂÊÔƠƯĐăâêôơưđàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ",
        strict=True,
    )
)

# VNI writes a vowel and then a mark for its hat and tone together, so each mark becomes combining characters and NFC does the rest.
_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT, _HAT, _BREVE = "\u0300", "\u0301", "\u0309", "\u0303", "\u0323", "\u0302", "\u0306"
_VNI_MARKS = {
    "ø": _GRAVE, "ù": _ACUTE, "û": _HOOK, "õ": _TILDE, "ï": _DOT,
    "â": _HAT, "à": _HAT + _GRAVE, "á": _HAT + _ACUTE, "å": _HAT + _HOOK, "ã": _HAT + _TILDE, "ä": _HAT + _DOT,
    "ê": _BREVE, "è": _BREVE + _GRAVE, "é": _BREVE + _ACUTE, "ú": _BREVE + _HOOK, "ü": _BREVE + _TILDE, "ë": _BREVE + _DOT,
}  # fmt: skip
_VNI_LETTERS = {"ñ": "đ", "ô": "ơ", "ö": "ư", "ò": "ị", "æ": "ỉ", "ó": "ĩ", "î": "ỵ"}
_VNI = {
    **_VNI_MARKS,
    **_VNI_LETTERS,
    **{k.upper(): v for k, v in _VNI_MARKS.items()},
    **{k.upper(): v.upper() for k, v in _VNI_LETTERS.items()},
}

_TABLES = {Font.TCVN3: _TCVN3, Font.VNI: _VNI}
_TRANSLATIONS = {font: str.maketrans(table) for font, table in _TABLES.items()}

# Any character outside these ranges may change under NFC; the test costs a tenth of the normalisation that it saves.
_MAYBE_NOT_NFC = r"[^\x00-\x{2FF}\x{1E00}-\x{1E99}\x{1EA0}-\x{1EFF}\x{2002}-\x{2125}]"

# The rimes of Vietnamese, without tones (Hoàng Phê's dictionary, plus ăk of Đắk Lắk).
_RIMES = re.findall(
    r"\w+",
    """
a ac ach ai am an ang anh ao ap at au ay ăc ăk ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et ê êch êm ên ênh êp êt êu
i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen
oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uâng uâc uât uây uc uê uêch uên uênh ui um un ung
uôc uôi uôm uôn uông uôt uơ up ut uy uya uych uyên uyêt uyn uynh uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu y yêm
yên yêng yêt yêu
""",
)
_SYLLABLE = re.compile(rf"(?:ngh?|nh|gi|gh?|kh|ph|th|tr|ch|qu|[bcdđhklmnprstvx])?(?:{'|'.join(sorted(_RIMES, key=lambda r: -len(r)))})")
# A list of figures may hold no other Vietnamese word than the kind of a decision: QĐ, NĐ-CP, NQ-HĐND. (No vowels: MUÑOZ is no MUĐOZ.)
_ABBREVIATION = re.compile("(?=..)[BCDGHKLMNPQRSTVX]*Đ[BCDĐGHKLMNPQRSTVX]*")
_STOPPED = ("c", "ch", "p", "t", "k")
_TONES = frozenset((_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT))
# All of Latin-1 above ASCII counts as letter: in mojibake `¸` stands for one. Combining marks belong to their word.
_WORD = re.compile("[A-Za-z\u00a1-\u024f\u0300-\u036f\u1ea0-\u1ef9]+")
# Letters that only Unicode has: text that holds them is no mojibake.
_UNICODE_ONLY = re.compile("[ĂăĐđĨĩŨũƠơƯư\u1ea0-\u1ef9]")
_ENOUGH_WORDS = 20_000


def is_syllable(word: str) -> bool:
    """Whether a word (NFC) is a possible Vietnamese syllable: onset, rime, one tone at most, stops only with sắc or nặng, and -oong (xoong)
    without a tone (`Coâng` is Công in VNI, and would be Coõng in TCVN3)."""
    letters = unicodedata.normalize("NFD", word.lower())
    tones = [c for c in letters if c in _TONES]
    if len(tones) > 1:
        return False
    plain = unicodedata.normalize("NFC", "".join(c for c in letters if c not in _TONES))
    if plain.endswith("oong") and tones:
        return False
    return bool(_SYLLABLE.fullmatch(plain)) and (not plain.endswith(_STOPPED) or tones in ([_ACUTE], [_DOT]))


def converted_text(text: str, font: Font | None) -> str:
    """One text (mojibake of `font`, or Unicode when None) as NFC."""
    return unicodedata.normalize("NFC", text.translate(_TRANSLATIONS[font]) if font else text)


def converted(rows: pl.DataFrame, font: Font | None) -> pl.DataFrame:
    """All String columns of `rows`, mojibake of `font` or Unicode when None, as NFC. Other columns and the order are kept."""
    text = [name for name, kind in rows.schema.items() if kind == pl.String]
    if font:
        table = _TABLES[font]
        rows = rows.with_columns(pl.col(text).str.replace_many(list(table), list(table.values())))
    if not text:
        return rows
    # ASCII is NFC, and most columns are ASCII: to see that costs a fraction of a regular expression.
    ascii_only = rows.select((pl.col(text).str.len_bytes() == pl.col(text).str.len_chars()).all()).row(0)
    if not (text := [name for name, plain in zip(text, ascii_only, strict=True) if not plain]):
        return rows
    doubtful = rows.select(pl.col(text).str.contains(_MAYBE_NOT_NFC).any()).row(0)
    return rows.with_columns(pl.col([name for name, doubt in zip(text, doubtful, strict=True) if doubt]).str.normalize("NFC"))


def _plausibility(words: Iterable[str], font: Font | None) -> float:
    """Share of `words` that are syllables, or abbreviations with Đ, when read as `font`; 0 without words."""
    readings = [converted_text(w, font) for w in words]
    return sum(bool(_ABBREVIATION.fullmatch(r)) or is_syllable(r) for r in readings) / len(readings) if readings else 0.0


def telling_words(texts: Iterable[str]) -> list[str]:
    """The words that can tell encodings apart: those with a letter outside ASCII."""
    words: list[str] = []
    for text in texts:
        if not text.isascii():
            words += [w for w in _WORD.findall(text) if not w.isascii()]
            if len(words) >= _ENOUGH_WORDS:
                break
    return words


def font_of(texts: Iterable[str]) -> Font | None:
    """The font encoding that a sample of decoded text is mojibake of; None when it is Unicode, or nothing tells.

    Unicode has the benefit of the doubt: mojibake is only assumed when no more than a twentieth of the telling words holds a letter that
    only Unicode has, under half of them are syllables as they stand, and three quarters are syllables when converted. (Lists mix in
    foreign names and abbreviations, hence not all; any two readings of real text lie far from both limits.)
    """
    words = telling_words(texts)
    if not words or sum(bool(_UNICODE_ONLY.search(w)) for w in words) > len(words) / 20:
        return None
    if _plausibility(words, None) >= 0.5:
        return None
    best = max(Font, key=lambda font: _plausibility(words, font))
    return best if _plausibility(words, best) >= 0.75 else None


def codec_of(samples: Iterable[bytes]) -> str:
    """The Python codec of 8-bit or UTF-8 text, from slices of the file that begin and end between lines.

    `utf-8`, `cp1258`, or `latin-1` for a font encoding (to be converted by `converted`). A few broken bytes in UTF-8 leave it UTF-8.
    """
    text = b"\n".join(samples)
    if text.isascii():
        return "utf-8"
    decoded = text.decode("utf-8", "replace")
    broken = decoded.count("\ufffd") - text.count("\ufffd".encode())
    whole = sum(c > "\x7f" for c in decoded) - broken
    if broken <= whole / 10:
        return "utf-8"
    scores = {"cp1258": _plausibility(telling_words([unicodedata.normalize("NFC", text.decode("cp1258", "replace"))]), None)}
    scores["latin-1"] = max(_plausibility(telling_words([text.decode("latin-1")]), font) for font in Font)
    best = max(scores, key=lambda codec: scores[codec])
    # Below half, no reading makes Vietnamese of it: then the bytes are damage, and the rows that hold them are told one by one.
    return best if scores[best] >= 0.5 else "utf-8"
