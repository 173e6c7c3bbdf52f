"""The envelope of a claim file: GIAMDINHHS, its HOSO and the inner documents that each holds.

lxml reads the envelope. The base64 of XML1-XML3 is taken out before: a payload of nothing but base64 characters cannot
change how the XML around it reads, so lxml is given a short token in its place and never copies the payload. Everything else
(inline XML, CDATA, references, UTF-16, an unusual order) goes to lxml as it stands. XML4-XML15, above all XML6 and XML15
(HIV and tuberculosis), are never decoded and never looked into.
"""

from __future__ import annotations

import codecs
import re
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pybase64
from lxml import etree

from warehouse.readers.claims_documents import SAFELY
from warehouse.refusal import Refusal

ROOT = "GIAMDINHHS"
_CHUNK = 1 << 20
_KINDS = {"XML1": "1", "XML2": "2", "XML3": "3"}
_TAGS = tuple("{*}" + t for t in ("HOSO", "FILEHOSO", "NGAYLAP", "SOLUONGHOSO"))
# libxml2's codes for a document that ends too early: 5 document end, 77 tag not finished, 74 `</` not finished, 73 `>` missing.
_ENDS_EARLY = frozenset({5, 73, 74, 77})


@dataclass
class Hoso:
    """One HOSO: `documents` are (kind '1' '2' '3', content) in file order.

    A content is the document's bytes, the element that holds it inline, or None where its base64 is broken.
    Elements are freed when the next HOSO is asked for.
    """

    ordinal: int
    documents: list[tuple[str, bytes | etree._Element | None]] = field(default_factory=list)


class Envelope:
    """Iterating, once, yields each `Hoso`. `issued_on` (NGAYLAP) is known from the first one on, wherever it stands in the file;
    `declared` (SOLUONGHOSO) is final at the end. Raises `Refusal` with codes `empty`, `not_the_format`, `unsafe_xml`,
    `malformed`, `truncated`: all or nothing, the caller discards what it was given before.
    """

    def __init__(self, path: Path, *, lifting: bool = True) -> None:
        self.path = path
        self.lifting = lifting
        self.issued_on: str | None = None
        self.declared: int | None = None
        self.read = 0

    def __iter__(self) -> Iterator[Hoso]:
        lift = _Lift(self.lifting and _check_start(self.path))
        parser = etree.XMLPullParser(events=("end",), tag=_TAGS, huge_tree=True, **SAFELY)
        documents: list[tuple[str, bytes | etree._Element | None]] = []
        try:
            for piece in lift.pieces(self.path):
                parser.feed(piece)
                for element in _elements(parser):
                    name = etree.QName(element).localname
                    if name == "FILEHOSO":
                        documents += self._document(element, lift)
                    elif name == "HOSO":
                        self.read += 1
                        if self.issued_on is None and self.read == 1:
                            self.issued_on = _issued_on(self.path)
                        yield Hoso(self.read, documents or _bare_documents(element))
                        documents = []
                        _free(element)
                    else:
                        self._header(name, element)
            parser.close()
        except etree.XMLSyntaxError as error:
            raise self._refusal(error) from None
        if self.declared is not None and self.read < self.declared:
            raise Refusal(
                "truncated",
                f"the file declares {self.declared} HOSO and holds {self.read}; send it again, whole",
                f"HOSO {self.read + 1}",
            )
        if self.declared is None and self.read == 0:
            raise Refusal("empty", "the file holds no HOSO and does not say that there are none (SOLUONGHOSO)")

    def _header(self, name: str, element: etree._Element) -> None:
        """The first filled NGAYLAP and the first readable SOLUONGHOSO count."""
        text = (element.text or "").strip()
        if not _in_header(element):
            return
        if name == "NGAYLAP" and self.issued_on is None:
            self.issued_on = text or None
        elif name == "SOLUONGHOSO" and self.declared is None and re.fullmatch("[0-9]{1,9}", text):
            self.declared = int(text)

    def _document(self, element: etree._Element, lift: _Lift) -> Iterator[tuple[str, bytes | etree._Element | None]]:
        kind = content = None
        for child in element:
            name = etree.QName(child).localname
            if name == "LOAIHOSO" and kind is None:
                kind = "".join((child.text or "").split()).upper() or None
            elif name == "NOIDUNGFILE" and content is None:
                content = child
        if kind in _KINDS and content is not None:
            if len(content):
                yield _KINDS[kind], content
                return  # the element is still needed; it goes with its HOSO
            text = (content.text or "").strip()
            if lifted := lift.payload(text):
                yield _KINDS[kind], lifted
            elif text.lstrip("\ufeff").startswith("<"):
                yield _KINDS[kind], text.encode()
            elif text:
                decoded = _decoded(text.encode())
                if decoded != b"":
                    yield _KINDS[kind], decoded
        element.clear()

    def _refusal(self, error: etree.XMLSyntaxError) -> Refusal:
        if self.lifting:  # lines and columns count in the file as it is only when nothing was taken out
            try:
                for _ in Envelope(self.path, lifting=False):
                    pass
            except Refusal as refusal:
                return refusal
        line, column = error.position
        if error.code in _ENDS_EARLY:  # type: ignore[attr-defined]
            return Refusal("truncated", "the XML breaks off; send the file again, whole", f"line {line}, column {column}")
        return Refusal("malformed", "the XML is malformed; export the file again", f"line {line}, column {column}")


def _decoded(payload: bytes) -> bytes | None:
    """The bytes of strict base64, wrapped or not; None when it is none."""
    try:
        return pybase64.b64decode(payload, validate=True)
    except ValueError:
        pass
    try:
        return pybase64.b64decode(payload.translate(None, b" \t\r\n"), validate=True)
    except ValueError:
        return None


def _bare_documents(hoso: etree._Element) -> list[tuple[str, bytes | etree._Element | None]]:
    """A HOSO without FILEHOSO that holds the tables themselves (formats.md §2.1, variant 5)."""
    bare: list[tuple[str, bytes | etree._Element | None]] = []
    for kind, record in (("1", "TONG_HOP"), ("2", "CHI_TIET_THUOC"), ("3", "CHI_TIET_DVKT")):
        if next(hoso.iter("{*}" + record), None) is not None:
            bare.append((kind, hoso))
    return bare


def _elements(parser: etree.XMLPullParser) -> Iterator[etree._Element]:
    """The elements of the events that have come up."""
    for _, element in parser.read_events():
        if isinstance(element, etree._Element):
            yield element


def _in_header(element: etree._Element) -> bool:
    """It belongs to the envelope and not to a document that stands inline."""
    parent = element.getparent()
    return parent is not None and etree.QName(parent).localname in (ROOT, "THONGTINHOSO")


def _free(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _check_start(path: Path) -> bool:
    """Refuse what is no claim file or is unsafe before anything is read; True where payloads can be lifted.

    The start is parsed with libxml2's limits on, so a bomb in a DTD cannot go off here, and there is none afterwards.
    """
    start = etree.XMLPullParser(events=("start",), **SAFELY)
    seen = b""
    try:
        for chunk in _chunks(path, 1 << 16):
            seen = seen or chunk
            start.feed(chunk)
            for root in _elements(start):
                name = etree.QName(root).localname
                if name != ROOT:
                    raise Refusal("not_the_format", f"the root is {name[:60]}, a claim file has {ROOT}", f"line {root.sourceline}")
                if root.getroottree().docinfo.internalDTD is not None:
                    raise Refusal("unsafe_xml", "the file has a DOCTYPE; export it without DTD and entities", "line 1")
                return _ascii_compatible(seen)
        if seen:
            start.close()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        if re.search(rb"<\x00?!\x00?D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E", seen):
            raise Refusal("unsafe_xml", "the file has a DOCTYPE; export it without DTD and entities", f"line {line}") from None
        raise Refusal("malformed", "the file is no XML, or malformed from its start", f"line {line}, column {column}") from None
    raise Refusal("empty", "the file is empty")


_DECLARATION = re.compile(rb"<\?xml\s[^<>?]{0,200}\?>")
_OWN_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\s[^<>?]{0,200}\?>")
_LONGEST_DECLARATION = 210
# The first two bytes of a file: a byte order mark, or a `<`.
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


def _chunks(path: Path, size: int = _CHUNK) -> Iterator[bytes]:
    """The bytes of the file, with the declarations of inline documents blanked out.

    Programs paste a document with its `<?xml … ?>` into NOIDUNGFILE, which no XML allows. Spaces in its place keep lines and columns.
    A file in UTF-16 is given as UTF-8, since all that looks into the bytes, this too, looks for ASCII. Its own declaration then is blank,
    as is one that says UTF-16 of what is none (.NET writes it so).
    """
    with path.open("rb") as file:
        codec = _UTF_16.get(file.read(2))
        file.seek(0)
        decoder = codec and codecs.getincrementaldecoder(codec)()
        rest, first = b"", True
        while chunk := file.read(size):
            data = rest + (_utf8(decoder, chunk) if decoder else chunk)
            own = _OWN_DECLARATION.match(data) if first and not decoder else None
            keep = own.end() if own and b"utf-16" not in own[0].lower() else 0
            if data.find(b"<?xml", keep) >= 0:
                data = data[:keep] + _DECLARATION.sub(lambda m: b" " * len(m[0]), data[keep:])
            tail = data.rfind(b"<", max(len(data) - _LONGEST_DECLARATION, 0))
            cut = tail if tail > 0 and data[tail : tail + 5] == b"<?xml"[: len(data) - tail] else len(data)
            rest, first = data[cut:], False
            yield data[:cut]
        if rest:
            yield rest


def _utf8(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bytes:
    """UTF-16 as UTF-8 without a byte order mark. What is none goes on as a NUL, at which lxml stops with line and column."""
    try:
        return decoder.decode(chunk).encode()
    except UnicodeError:
        return b"\0"


def _ascii_compatible(start: bytes) -> bool:
    """In these encodings an ASCII byte is that character everywhere, so tags can be found in the bytes."""
    declared = re.match(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", start)
    if declared is None:
        return start.removeprefix(b"\xef\xbb\xbf")[:1] == b"<" and start[1:2] != b"\x00"
    return re.fullmatch(rb"utf-?8|us-ascii|windows-125\d|iso-8859-\d+", declared[1].lower()) is not None


def _issued_on(path: Path) -> str | None:
    """NGAYLAP where it stands after the list: a second look through the file, which only unusual files need."""
    parser = etree.XMLPullParser(events=("end",), tag=("{*}HOSO", "{*}NGAYLAP"), huge_tree=True, **SAFELY)
    try:
        for chunk in _chunks(path):
            parser.feed(chunk)
            for element in _elements(parser):
                if etree.QName(element).localname == "HOSO":
                    _free(element)
                elif _in_header(element) and (element.text or "").strip():
                    return str(element.text).strip()
    except etree.XMLSyntaxError:
        pass  # the pass that reads the file meets the same error and refuses it
    return None


_OPEN, _CLOSE = b"<NOIDUNGFILE>", b"</NOIDUNGFILE>"
_BEFORE = re.compile(rb"<LOAIHOSO>\s*XML[123]\s*</LOAIHOSO>\s*\Z")
_LONGEST_BEFORE = 120


class _Lift:
    """Takes base64 payloads of XML1-XML3 out of the bytes on their way to lxml and gives them back, decoded, by token.

    The token holds a secret of this reading, so no text of the file can pass for one; it never reaches any output.
    """

    def __init__(self, lifting: bool) -> None:
        self.lifting = lifting
        self._secret = secrets.token_hex(16)
        self._taken: deque[tuple[str, bytes]] = deque()
        self._count = 0

    def payload(self, token: str) -> bytes | None:
        """The payload that this text stands for; those before it were inside comments or the like and are dropped."""
        if not token.startswith(self._secret):
            return None
        while self._taken:
            taken, payload = self._taken.popleft()
            if taken == token:
                return payload
        return None

    def pieces(self, path: Path) -> Iterator[bytes]:
        if not self.lifting:
            yield from _chunks(path)
            return
        rest = b""
        for chunk in _chunks(path):
            piece, rest = self._lifted(rest + chunk)
            yield piece
        yield rest

    def _lifted(self, data: bytes) -> tuple[bytes, bytes]:
        """`data` with tokens for payloads, as far as it is certain, and the rest that must wait for more."""
        out: list[bytes] = []
        done = 0
        search = 0
        while (opened := data.find(_OPEN, search)) >= 0:
            start = opened + len(_OPEN)
            end = data.find(b"<", start)
            if end < 0 or len(data) - end < len(_CLOSE):
                # Keep what stands before too: it says which table the payload is of.
                keep = max(done, opened - _LONGEST_BEFORE)
                out.append(data[done:keep])
                return b"".join(out), data[keep:]
            search = end
            if not data.startswith(_CLOSE, end) or not _BEFORE.search(data, max(done, opened - _LONGEST_BEFORE), opened):
                continue
            if decoded := _decoded(data[start:end]):
                self._count += 1
                token = f"{self._secret}{self._count}"
                self._taken.append((token, decoded))
                out += (data[done:start], token.encode())
                done = end
        keep = max(done, len(data) - _LONGEST_BEFORE - len(_OPEN))
        out.append(data[done:keep])
        return b"".join(out), data[keep:]
