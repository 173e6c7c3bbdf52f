"""The inner documents of a claim file (XML1, XML2, XML3): from bytes or elements to the texts of the elements that are kept.

Two paths read a document. lxml reads any; a scanner reads the plain form that hospital software writes (elements without
attributes, no comments, no CDATA, no character references but the five named ones) several times faster, and hands over to
lxml whatever is not of that form. The scanner is exact, not approximate: a record is matched from its first to its last
character by a regular expression built from the element names of a record, so that each accepted document is well formed by
construction, and everything around the records is matched too.

Measured on one core, 30 KB of documents a claim (XML1 of 80 elements, 20 lines of 40): scanner 130-150 µs a claim, lxml's parser
alone 460 µs, lxml and the elements kept 550 µs, lxml and every element 620 µs; the same idea as Polars string expressions (one
regular expression that validates, one a field) 300 µs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from xml.sax.saxutils import unescape

from lxml import etree

from expectations.declare import Field
from expectations.exports.claims import CLAIM_DELIVERED, LINE_DELIVERED
from warehouse.refusal import Refusal

# Entities are not replaced, no DTD is read, nothing is fetched; text over 10 MB is refused by libxml2 (no `huge_tree`).
SAFELY: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "remove_comments": True,
    "remove_pis": True,
}

Texts = list[str | None]


class Flaw(Exception):
    """A document cannot be read; `name` goes to `row_flaw` of its HOSO."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _elements(fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for f in fields for name in (f.element, *f.labels) if name))


@dataclass(frozen=True)
class Kind:
    """One of the tables that are read: `record` holds the fields, `wrappers` stand around the records, outermost first."""

    name: str
    record: str
    wrappers: tuple[str, ...]
    elements: tuple[str, ...]  # the elements kept; a record's values come in this order

    @cached_property
    def roots(self) -> frozenset[str]:
        return frozenset((self.record, *self.wrappers))

    @cached_property
    def places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.elements)}

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The elements kept, in any namespace, as lxml wants them."""
        return tuple("{*}" + name for name in self.elements)


KINDS = {
    k.name: k
    for k in (
        Kind("1", "TONG_HOP", (), _elements(CLAIM_DELIVERED)),
        Kind("2", "CHI_TIET_THUOC", ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC"), _elements(LINE_DELIVERED)),
        Kind("3", "CHI_TIET_DVKT", ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT"), _elements(LINE_DELIVERED)),
    )
}


@dataclass(frozen=True)
class Records:
    """The records of one document in order: `texts` of the elements kept, one record after another, so that one element's are
    `texts[place :: len(kind.elements)]`.
    """

    texts: Texts
    count: int


# ---- the scanner

_FORBIDDEN = bytes(i for i in range(0x20) if i not in b"\t\n\r")  # by XML 1.0, wherever they stand
_OTHER_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_NAME = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)")
_DECLARATION = (
    r"""\s*+(?:<\?xml\s+version=(?:"1\.0"|'1\.0')(?:\s+encoding=(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?"""
    r"""(?:\s+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>)?"""
)
_PREAMBLE = re.compile(r"(?:\ufeff?" + _DECLARATION + ")?", re.ASCII)
# What .NET writes on a root; nothing else may stand in a start tag.
_XSI = r'\s+xmlns:xsi="http://www\.w3\.org/2001/XMLSchema-instance"'
_XSD = r'\s+xmlns:xsd="http://www\.w3\.org/2001/XMLSchema"'
_ROOT_ATTRIBUTES = rf"(?:{_XSI}(?:{_XSD})?|{_XSD}(?:{_XSI})?)?\s*+"


def preamble(text: str) -> int:
    """Length of the BOM, white space and XML declaration that a document begins with."""
    match = _PREAMBLE.match(text)
    return match.end() if match else 0


_LONGEST_SCANNED = 8_000_000  # libxml2 refuses texts of 10 MB; longer documents are left to it


_MOST_TEMPLATES = 100  # software writes a handful of shapes; a hostile file must not make this compile for ever


@dataclass(frozen=True)
class _Template:
    """Matches one record whose elements come in this order, each at most once; `groups` picks the kept ones."""

    order: tuple[str, ...]
    pattern: re.Pattern[str]
    groups: tuple[int, ...]


class Scanner:
    """Reads documents in the plain form."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._frames = _frames(kind)
        self._last: _Template | None = None
        self._made = 0

    def scan(self, document: bytes) -> Records | None:
        """The records of a document in the plain form, else None. Whatever it reads, lxml reads the same."""
        if len(document) > _LONGEST_SCANNED or len(document.translate(None, _FORBIDDEN)) < len(document):
            return None
        try:
            text = document.decode()
        except UnicodeDecodeError:
            return None
        if b"\xef" in document and ("\ufffe" in text or "\uffff" in text):
            return None
        if "]" in text and "]]>" in text:
            return None
        references = "&" in text
        if references and _OTHER_REFERENCE.search(text):
            return None
        if "\r" in text:  # as an XML parser does before anything else
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        start = preamble(text)
        for head, tail in self._frames:
            if opened := head.match(text, start):
                records = self._records(text, opened.end(), tail)
                if records and references:
                    return Records([unescape(t, _QUOTES) if t and "&" in t else t for t in records.texts], records.count)
                return records
        return None

    def _records(self, text: str, position: int, tail: re.Pattern[str]) -> Records | None:
        texts: Texts = []
        count = 0
        template = self._last
        while True:
            match = template.pattern.match(text, position) if template else None
            if match is None:
                if tail.fullmatch(text, position) and (count == 1 or self._kind.wrappers):
                    return Records(texts, count)
                template = self._template_at(text, position)
                match = template.pattern.match(text, position) if template else None
            if template is None or match is None:
                return None
            texts += match.group(*template.groups)
            count += 1
            position = match.end()

    def _template_at(self, text: str, position: int) -> _Template | None:
        """The template of the record that begins here; it also fits the records before, where the orders agree."""
        end = text.find(f"</{self._kind.record}>", position)
        record, *names = _NAME.findall(text, position, end) or [""]
        if end < 0 or record != self._kind.record or len(set(names)) < len(names) or self._kind.roots & set(names):
            return None
        order = _merged(self._last.order, names) if self._last else None
        if self._last and order == self._last.order:
            return None  # it fits already, so something else is unusual
        if self._made >= _MOST_TEMPLATES:
            return None
        self._made += 1
        self._last = _template(self._kind.name, order or tuple(names))
        return self._last


def _merged(order: Sequence[str], names: Sequence[str]) -> tuple[str, ...] | None:
    """The shortest order that holds both, or None where they contradict each other."""
    place = {name: i for i, name in enumerate(order)}
    merged: list[str] = []
    done = 0
    for name in names:
        if name not in place:
            merged.append(name)
        elif place[name] < done:
            return None
        else:
            merged += order[done : place[name] + 1]
            done = place[name] + 1
    return (*merged, *order[done:])


@lru_cache(maxsize=256)  # most files of a province's hospitals come from the same few programs
def _template(kind_name: str, order: tuple[str, ...]) -> _Template:
    kind = KINDS[kind_name]
    text = "[^<]*+"
    fields = "".join(rf"(?:\s*+<{n}(?:>{f'({text})' if n in kind.places else text}</{n}>|\s*+/>))?+" for n in order)
    # The last group is always empty: it stands for the elements that are not in this order.
    pattern = re.compile(rf"\s*+<{kind.record}{_ROOT_ATTRIBUTES}>{fields}\s*+</{kind.record}>()", re.ASCII)
    group = {name: i for i, name in enumerate((n for n in order if n in kind.places), start=1)}
    return _Template(order, pattern, tuple(group.get(e, len(group) + 1) for e in kind.elements))


def _frames(kind: Kind) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """What may stand before the first record and after the last: all wrappers, or the inner ones only."""
    frames = []
    for first in range(len(kind.wrappers) or 1):
        wrappers = kind.wrappers[first:]
        head = "".join(rf"\s*+<{w}{_ROOT_ATTRIBUTES}>" for w in wrappers)
        tail = "".join(rf"\s*+</{w}\s*+>" for w in reversed(wrappers))
        frames.append((re.compile(head, re.ASCII), re.compile(tail + r"\s*+", re.ASCII)))
    return tuple(frames)


# ---- lxml

_PARSER = etree.XMLParser(encoding="utf-8", **SAFELY)
_DOCTYPE = re.compile(r"(?:\s|<!--.*?-->|<\?.*?\?>)*+<!DOCTYPE", re.DOTALL)
_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_OTHER_ENCODINGS = frozenset({"windows-1258", "cp1258", "windows-1252", "iso-8859-1"})


def _text(document: bytes) -> str:
    """The document as text without BOM and declaration.

    What the bytes are counts for more than what the declaration says: .NET declares utf-16 on UTF-8 text.
    """
    if document[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif document[:2] == b"<\x00":
        encoding = "utf-16-le"
    elif document[:2] == b"\x00<":
        encoding = "utf-16-be"
    else:
        encoding = "utf-8"
    try:
        text = document.decode(encoding)
    except UnicodeDecodeError:
        declared = _DECLARED_ENCODING.search(document[:200])
        name = declared[1].decode().lower() if declared else ""
        if encoding != "utf-8" or name not in _OTHER_ENCODINGS:
            raise Flaw("undecodable") from None
        try:
            text = document.decode(name)
        except UnicodeDecodeError:
            raise Flaw("undecodable") from None
    return text[preamble(text) :]


def parsed_bytes(kind: Kind, document: bytes, position: str) -> Records:
    text = _text(document)
    if _DOCTYPE.match(text):
        raise Refusal("unsafe_xml", "an inner document has a DOCTYPE; export it without DTD and entities", position)
    if "\x00" in text:
        raise Flaw("nul_byte")
    try:
        root = etree.fromstring(text.encode(), _PARSER)
    except etree.XMLSyntaxError:
        raise Flaw("undecodable") from None
    return parsed(kind, root, {_local_name(root)})


def parsed(kind: Kind, element: etree._Element, roots: set[str]) -> Records:
    """The records in and below `element`; `Flaw('undecodable')` when there is none and its root is of another table."""
    texts: Texts = []
    count = 0
    for record in element.iter("{*}" + kind.record):
        found: Texts = [None] * len(kind.elements)
        for child in record.iterchildren(*kind.tags):
            place = kind.places[_local_name(child)]
            if not (found[place] or "").strip():
                found[place] = child.text
        texts += found
        count += 1
        if not kind.wrappers:  # one XML1 a document; the first counts
            break
    if not count and not roots & kind.roots:
        raise Flaw("undecodable")
    return Records(texts, count)


def _local_name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class Reader:
    """Reads the documents of one kind of one file (it remembers how the file writes its records)."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._scanner = Scanner(kind)

    def read(self, content: bytes | etree._Element, position: str) -> Records:
        """The records of a document, given as bytes or as an element of the envelope that holds it inline.

        Texts are as written; the first filled one of repeated elements counts. Raises `Flaw('nul_byte')` and
        `Flaw('undecodable')`, and `Refusal('unsafe_xml')` at a DOCTYPE. `position` says where the document stands.
        """
        if not isinstance(content, bytes):
            return parsed(self.kind, content, {_local_name(child) for child in content})
        records = self._scanner.scan(content)
        return records if records is not None else parsed_bytes(self.kind, content, position)
