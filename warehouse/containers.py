"""Archives and compressed files, recognised by their content: zip (of many), gzip, Zstandard.

Everything is taken apart in chunks, and no size that an archive states about itself is believed.
"""

from __future__ import annotations

import lzma
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import zstandard

from warehouse.refusal import Refusal

if TYPE_CHECKING:
    from warehouse.landing import Landed

# Contract, "What a bad input gets": a member over 200 MB and over 100 times its packed size is a bomb.
BOMB_BYTES = 200_000_000
BOMB_RATIO = 100
LAYERS = 3  # a .zst in a .gz in a zip is odd, more is an attack

ZIP, ZIP_EMPTY, GZIP, ZSTD = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20
_DEFLATE_MOST = 1032  # no deflated byte stands for more (zlib, "Technical Details")
# zstd can turn 4 bytes into 128 KB; this bounds what one step can give to 16 MB.
_ZSTD_STEP = 512

# Documents that are zip files themselves, by a member that only they have.
_DOCUMENTS = ("xl/workbook.xml", "xl/workbook.bin", "word/document.xml", "ppt/presentation.xml", "content.xml", "AndroidManifest.xml")
# What zipfile raises for bytes that are no sound archive; an OSError without a number is bz2's word for it.
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, ValueError, RuntimeError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip of deliveries. A workbook is a zip too, but no archive.

    Raises `Refusal('unreadable_archive')` when it begins like a zip and cannot be opened; OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) not in (ZIP, ZIP_EMPTY):
            return False
    with opened(path) as archive:
        return not any(name in _DOCUMENTS for name in archive.namelist())


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive, opened. Raises `Refusal('unreadable_archive')`; errors of the body pass through."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(error) from error
        raise Refusal("unreadable_archive", "the zip archive cannot be opened: it is damaged or cut off; send it again") from error
    with archive:
        yield archive


def member_names(archive: zipfile.ZipFile) -> list[str]:
    """Names of the files in an archive, in order, each once. Raises `Refusal` when there are none or all are encrypted."""
    infos = [i for i in archive.infolist() if not i.is_dir() and not is_ignored(i.filename)]
    if not infos:
        raise Refusal("empty_file", "the zip archive holds no file")
    if all(i.flag_bits & 0x1 for i in infos):
        raise Refusal("encrypted", "the zip archive is encrypted; send it without a password")
    names = [i.filename for i in infos]
    twice = {n for n in names if names.count(n) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise Refusal("unreadable_archive", "the zip archive holds two members of the same name; pack it again")
    return sorted(names)


def is_ignored(name: str) -> bool:
    """Whether a file or member is none of a sender's: hidden files, lock files of Office, resource forks of macOS."""
    parts = name.replace("\\", "/").split("/")
    return any(p == "__MACOSX" or (p.startswith(".") and p not in (".", "..")) for p in parts) or parts[-1].startswith("~$")


def member_chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The bytes of a member, in chunks. Raises `Refusal` (encrypted, damaged, bomb), naming no value."""
    info = _info(archive, name)
    if info.flag_bits & 0x1:
        raise Refusal("encrypted", "the member of the zip archive is encrypted; send it without a password")
    archive_size = os.fstat(archive.fp.fileno()).st_size if archive.fp else 0
    yield from _guarded(_of_member(archive, info), min(info.compress_size, archive_size))


def refuse_bomb(document: Path) -> None:
    """A workbook is a zip too. Raises `Refusal` (bomb, damaged) for any member of it, before anything takes the workbook apart.

    Only members that can grow beyond the limit are unpacked for this, which most workbooks have none of.
    """
    with opened(document) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_DEFLATED or info.compress_size * _DEFLATE_MOST > BOMB_BYTES:
                for _ in member_chunks(archive, info.filename):
                    pass


def _info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError as error:
        raise Refusal("unreadable_file", "the member is no longer in the zip archive; the archive was replaced") from error


def _of_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                yield chunk
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(error) from error
        reason = "the member of the zip archive is damaged or packed by an unknown method; send it again"
        raise Refusal("damaged_archive", reason) from error


def _guarded(chunks: Iterator[bytes], packed: int) -> Iterator[bytes]:
    """Passes chunks on until they are a bomb."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > BOMB_BYTES and total > BOMB_RATIO * packed:
            raise Refusal(
                "zip_bomb",
                f"it unpacks to more than {BOMB_BYTES // 1_000_000} MB and more than {BOMB_RATIO} times its packed size",
                f"stopped after {total} bytes",
            )
        yield chunk


@contextmanager
def content(landed: Landed, spool: Path) -> Iterator[Path]:
    """A local path with the plain bytes of a delivery: the file itself, or a copy in `spool` (mode 0600) that goes away afterwards.

    Raises `Refusal`: empty_file, encrypted, unreadable_archive, damaged_archive, zip_bomb, nested_archive, unreadable_file. What fails in
    `spool` (a full disk) is no fault of the delivery and is raised as it is.
    """
    if not landed.members:
        try:
            with landed.file.open("rb") as file:
                start = file.read(4)
        except OSError as error:
            raise unreadable(error) from error
        if not start:
            raise Refusal("empty_file", "the file is empty (0 bytes)")
        if not start.startswith((GZIP, ZSTD)):
            yield landed.file
            return
    spool.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=spool)
    copy = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            if landed.members:
                with opened(landed.file) as archive:
                    packed = _info(archive, landed.members[-1]).compress_size
                    size = _write(_peeled(member_chunks(archive, landed.members[-1]), packed), out)
            else:
                size = _write(_peeled(_of_file(landed.file), landed.file.stat().st_size), out)
        if not size:
            raise Refusal("empty_file", "the file is empty once unpacked")
        with copy.open("rb") as file:
            zipped = file.read(4) == ZIP
        if zipped and is_archive(copy):
            raise Refusal("nested_archive", "it holds a zip archive within an archive; pack the files once")
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def unreadable(error: OSError) -> Refusal:
    """Why a file of the landing zone cannot be read, without its path (the delivery has it)."""
    if isinstance(error, FileNotFoundError):
        return Refusal("unreadable_file", "the file vanished while it was read; it is tried again when it is back")
    return Refusal("unreadable_file", f"the file cannot be read: {error.strerror or type(error).__name__}; check its permissions")


def _write(chunks: Iterator[bytes], out: IO[bytes]) -> int:
    size = 0
    for chunk in chunks:
        size += out.write(chunk)
    return size


def _of_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _peeled(chunks: Iterator[bytes], packed: int) -> Iterator[bytes]:
    """Chunks with every gzip and Zstandard layer taken off."""
    for _ in range(LAYERS):
        chunks, start = _peeked(chunks)
        unpack: Callable[[Iterator[bytes]], Iterator[bytes]]
        if start.startswith(GZIP):
            unpack = _gunzipped
        elif start.startswith(ZSTD):
            unpack = _unzstd
        else:
            return chunks
        chunks = _guarded(unpack(chunks), packed)
    chunks, start = _peeked(chunks)
    if start.startswith((GZIP, ZSTD)):
        raise Refusal("nested_archive", f"it is compressed more than {LAYERS} times over; compress it once")
    return chunks


def _peeked(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= 4:
            break

    def all_chunks() -> Iterator[bytes]:
        if first:
            yield first
        yield from chunks

    return all_chunks(), first[:4]


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Gzip members one after another; zeros after the last are padding."""
    unpacker, finished = zlib.decompressobj(31), False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if finished:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    unpacker, finished = zlib.decompressobj(31), False
                full = True
                while (rest or full) and not unpacker.eof:
                    data = unpacker.decompress(rest, _CHUNK)
                    rest, full = unpacker.unconsumed_tail, len(data) == _CHUNK  # a full step may have left more inside
                    if data:
                        yield data
                if unpacker.eof:
                    rest, finished = unpacker.unused_data, True
    except zlib.error as error:
        raise Refusal("damaged_archive", "the gzip file is damaged; send it again") from error
    if not finished:
        raise Refusal("damaged_archive", "the gzip file is cut off; send it again")


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Zstandard frames one after another."""
    unpacker, finished = zstandard.ZstdDecompressor().decompressobj(), False
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _ZSTD_STEP):
                rest = chunk[at : at + _ZSTD_STEP]
                while rest:
                    if finished:
                        unpacker, finished = zstandard.ZstdDecompressor().decompressobj(), False
                    data = unpacker.decompress(rest)
                    if data:
                        yield data
                    finished = unpacker.eof
                    rest = unpacker.unused_data if finished else b""
    except zstandard.ZstdError as error:
        raise Refusal("damaged_archive", "the Zstandard file is damaged; send it again") from error
    if not finished:
        raise Refusal("damaged_archive", "the Zstandard file is cut off; send it again")


__all__ = [
    "BOMB_BYTES",
    "BOMB_RATIO",
    "content",
    "is_archive",
    "is_ignored",
    "member_chunks",
    "member_names",
    "opened",
    "refuse_bomb",
    "unreadable",
]
