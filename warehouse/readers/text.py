"""Text of a file as blocks of UTF-8 whose ends are ends of records, whatever encoding it came in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transforms.encodings import Font, codec_of, font_of
from warehouse.refusal import Refusal

BLOCK = 16 << 20
# A record longer than this is no record: a quote was opened and never closed.
RECORD_LIMIT = 1 << 20
LINE_LIMIT = 32 << 20  # without a line break; 100,000 columns are far less
_HEAD = 256 << 10
_SLICES, _SLICE = 8, 64 << 10


@dataclass(frozen=True)
class Encoding:
    """How text is stored: a Python codec, and the font encoding that the decoded text is mojibake of."""

    codec: str
    font: Font | None
    bom: int = 0  # bytes of the byte order mark
    newline: bytes = b"\n"  # what ends a line once the text is UTF-8: LF (also of CRLF), or the CR of old Macs


def encoding_of(path: Path, declared: str | None = None) -> Encoding:
    """The encoding of a text file, from its head and slices spread over it. `declared` (a profile's) overrules what is found.

    Raises `Refusal('wrong_format')` for what is no text.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
        samples = [head if size <= _HEAD else head[: head.rfind(b"\n") + 1] or head]
        if size > _HEAD:
            for number in range(1, _SLICES + 1):
                file.seek(_HEAD + (size - _HEAD) * number // (_SLICES + 1))
                piece = file.read(_SLICE)
                samples.append(piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1])
    codec, bom = _marked(head)
    if codec is None and declared == "utf-16":
        codec = "utf-16-le"
    if codec is None and declared == "windows-1258":
        codec = "cp1258"
    if codec is None:
        codec = codec_of(samples)
        if declared in ("tcvn3", "vni") and codec == "cp1258":
            codec = "latin-1"
    if codec.startswith("utf-16"):
        samples = [head[bom : len(head) // 2 * 2]]
    texts = [s.decode(codec, "replace") for s in samples]
    _refuse_binary(texts)
    font = Font(declared) if declared in tuple(Font) else None if declared else font_of(texts)
    start = texts[0]
    return Encoding(codec, font, bom, b"\r" if "\r" in start and "\n" not in start else b"\n")


def _marked(head: bytes) -> tuple[str | None, int]:
    """Codec and length of a byte order mark; UTF-16 without one by its zero bytes."""
    for mark, codec in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return codec, len(mark)
    sample = head[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    # Vietnamese text is mostly ASCII, of which each other byte is zero in UTF-16; zeros in other text are rare damage.
    if max(even, odd) * 10 >= len(sample) * 2 and min(even, odd) * 10 <= max(even, odd):
        return ("utf-16-le" if odd > even else "utf-16-be"), 0
    return None, 0


def _refuse_binary(texts: list[str]) -> None:
    text = "".join(texts)[:_HEAD]
    control = sum((c < " " and c not in "\t\n\r\f\x1a") or "\x7f" <= c < "\xa0" or c == "\ufffd" for c in text)
    # One in ten is more than any damage leaves readable; a NUL here and there only marks its row.
    if control * 10 > len(text):
        raise Refusal("wrong_format", "the file holds binary data, not text")


def blocks(path: Path, encoding: Encoding, size: int = BLOCK) -> Iterator[tuple[bytes, bool]]:
    """The text after its byte order mark as UTF-8, in blocks of whole records, with LF (or CRLF) at the end of lines.

    Yields the block and whether it is sound: its quotes pair up at the end of the block. In one that is not, a quote was opened and not
    closed for longer than a record may be. Raises `Refusal`: endless_line.
    """
    carry = b""
    for chunk in _utf8(path, encoding, size):
        text = carry + chunk if carry else chunk
        cut = _even_end(text)
        if not cut and len(text) > LINE_LIMIT and b"\n" not in text:
            raise Refusal(
                "endless_line", f"a line is longer than {LINE_LIMIT >> 20} MB: the file has lost its line breaks; export it again"
            )
        if len(text) - cut > RECORD_LIMIT + len(chunk) and (end := text.rfind(b"\n") + 1):
            yield text[:end], False
            carry = text[end:]
            continue
        if cut:
            yield text[:cut], True
        carry = text[cut:]
    if carry:
        yield carry, carry.count(b'"') % 2 == 0


def _even_end(text: bytes) -> int:
    """Where the last line ends that is not inside quotes; 0 when there is none."""
    cut = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, cut)
    while quotes % 2:
        last = text.rfind(b'"', 0, cut)
        start = text.rfind(b"\n", 0, last) + 1
        quotes -= text.count(b'"', start, cut)
        cut = start
    return cut


def _utf8(path: Path, encoding: Encoding, size: int) -> Iterator[bytes]:
    plain = encoding.codec == "utf-8"
    decoder = None if plain else codecs.getincrementaldecoder(encoding.codec)("replace")
    with path.open("rb") as file:
        file.seek(encoding.bom)
        while chunk := file.read(size):
            if decoder:
                chunk = decoder.decode(chunk).encode("utf-8", "replace")
            yield chunk.replace(b"\r", b"\n") if encoding.newline == b"\r" else chunk
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "replace")
