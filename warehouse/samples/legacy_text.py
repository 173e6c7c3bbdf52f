"""Text as the old Vietnamese systems wrote it. Written from the code tables, apart from the project's own readers, so that each
checks the other."""

from __future__ import annotations

import unicodedata

# TCVN 5712-3 (ABC fonts): one byte a letter. Toned capitals have no byte of their own; a capitals font showed the small letter's.
_TCVN3 = {
    "à": 0xB5, "ả": 0xB6, "ã": 0xB7, "á": 0xB8, "ạ": 0xB9, "ă": 0xA8, "ằ": 0xBB, "ẳ": 0xBC, "ẵ": 0xBD, "ắ": 0xBE, "ặ": 0xC6, "â": 0xA9,
    "ầ": 0xC7, "ẩ": 0xC8, "ẫ": 0xC9, "ấ": 0xCA, "ậ": 0xCB, "đ": 0xAE, "è": 0xCC, "ẻ": 0xCE, "ẽ": 0xCF, "é": 0xD0, "ẹ": 0xD1, "ê": 0xAA,
    "ề": 0xD2, "ể": 0xD3, "ễ": 0xD4, "ế": 0xD5, "ệ": 0xD6, "ì": 0xD7, "ỉ": 0xD8, "ĩ": 0xDC, "í": 0xDD, "ị": 0xDE, "ò": 0xDF, "ỏ": 0xE1,
    "õ": 0xE2, "ó": 0xE3, "ọ": 0xE4, "ô": 0xAB, "ồ": 0xE5, "ổ": 0xE6, "ỗ": 0xE7, "ố": 0xE8, "ộ": 0xE9, "ơ": 0xAC, "ờ": 0xEA, "ở": 0xEB,
    "ỡ": 0xEC, "ớ": 0xED, "ợ": 0xEE, "ù": 0xEF, "ủ": 0xF1, "ũ": 0xF2, "ú": 0xF3, "ụ": 0xF4, "ư": 0xAD, "ừ": 0xF5, "ử": 0xF6, "ữ": 0xF7,
    "ứ": 0xF8, "ự": 0xF9, "ỳ": 0xFA, "ỷ": 0xFB, "ỹ": 0xFC, "ý": 0xFD, "ỵ": 0xFE,
    "Ă": 0xA1, "Â": 0xA2, "Ê": 0xA3, "Ô": 0xA4, "Ơ": 0xA5, "Ư": 0xA6, "Đ": 0xA7,
}  # fmt: skip

# VNI (Windows): the letter, then a byte for its tone or hat; i, y, ơ, ư, đ have bytes of their own.
_VNI_MARK = {"\u0301": "ù", "\u0300": "ø", "\u0309": "û", "\u0303": "õ", "\u0323": "ï"}
_VNI_HAT = {"": "â", "\u0301": "á", "\u0300": "à", "\u0309": "å", "\u0303": "ã", "\u0323": "ä"}
_VNI_BREVE = {"": "ê", "\u0301": "é", "\u0300": "è", "\u0309": "ú", "\u0303": "ü", "\u0323": "ë"}
_VNI_SINGLE = {"í": "í", "ì": "ì", "ỉ": "æ", "ĩ": "ó", "ị": "ò", "ỵ": "î", "đ": "ñ"}


def to_tcvn3(text: str) -> bytes:
    out = bytearray()
    for letter in unicodedata.normalize("NFC", text):
        code = _TCVN3.get(letter) or _TCVN3.get(letter.lower())
        out += bytes([code]) if code else letter.encode("ascii")
    return bytes(out)


def _vni(letter: str) -> str:
    if letter in _VNI_SINGLE:
        return _VNI_SINGLE[letter]
    parts = unicodedata.normalize("NFD", letter)
    base, marks = parts[0], parts[1:]
    tone = next((m for m in marks if m in _VNI_MARK), "")
    if "\u0302" in marks:
        return base + _VNI_HAT[tone]
    if "\u0306" in marks:
        return base + _VNI_BREVE[tone]
    if "\u031b" in marks:
        base = {"o": "ô", "u": "ö"}[base]
    return base + _VNI_MARK.get(tone, "")


def to_vni(text: str) -> bytes:
    out = []
    for letter in unicodedata.normalize("NFC", text):
        if letter.isascii():
            out.append(letter)
        elif letter.islower():
            out.append(_vni(letter))
        else:
            out.append(_vni(letter.lower()).upper())
    return "".join(out).encode("latin-1")


def to_cp1258(text: str) -> bytes:
    """Letters with their hat or horn, tones as combining marks: what Windows-1258 can hold."""
    out = []
    for letter in unicodedata.normalize("NFC", text):
        if letter.isascii():
            out.append(letter)
            continue
        parts = unicodedata.normalize("NFD", letter)
        hats = "".join(m for m in parts[1:] if m not in _VNI_MARK)
        tones = "".join(m for m in parts[1:] if m in _VNI_MARK)
        out.append(unicodedata.normalize("NFC", parts[0] + hats) + tones)
    return "".join(out).encode("cp1258")


def encode(text: str, encoding: str) -> bytes:
    """`encoding`: tcvn3, vni, cp1258, or a codec of Python's."""
    if encoding == "tcvn3":
        return to_tcvn3(text)
    if encoding == "vni":
        return to_vni(text)
    if encoding == "cp1258":
        return to_cp1258(text)
    return text.encode(encoding)


def encode_long(text: str, encoding: str) -> bytes:
    """`encode`, fast for long texts: each different letter is encoded once."""
    table = {ord(letter): encode(letter, encoding).decode("latin-1") for letter in set(text)}
    return text.translate(table).encode("latin-1")
