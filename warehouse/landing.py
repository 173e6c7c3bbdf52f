"""The landing zone: which files and archive members are there, whose they are, and what is said about them. Nothing is written here."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from expectations.exports import BY_FOLDER, REGISTERS
from warehouse import containers
from warehouse.refusal import Refusal

SIDECAR = ".manifest.json"
_SIDECAR_LIMIT = 1 << 20
_IN_NAME = re.compile(r"_(\d{2})_(\d{4}-\d{2})(?=\.[^/]*$|$)", re.ASCII)


@dataclass(frozen=True)
class Landed:
    """One delivery as it lies there: a file, or a member of an archive.

    `path` is relative to the landing zone, with `/` and in NFC (`x/batch.zip!/a.xml` for a member); `file` is the file on disk, `members`
    the member's name in it. `sha256` is of the bytes as received (of the member's, for a member), '' when they cannot be read (a member's
    is then the archive's); `size` (bytes) and `modified_ns` are of the file on disk. `period` is the first day of its month.
    `rows_declared` is the manifest's count for this delivery, `rows_declared_total` its count for all members of the archive together.
    `context` is the sha256 of the manifest beside the file, '' when there is none: a refused delivery is tried again when it changes.
    `refusal`: why it cannot be read, None when nothing is known against it.
    """

    path: str
    file: Path
    members: tuple[str, ...]
    export: str | None
    sha256: str
    size: int
    modified_ns: int
    province: str | None = None
    period: date | None = None
    rows_declared: int | None = None
    rows_declared_total: int | None = None
    context: str = ""
    refusal: Refusal | None = None

    @property
    def delivery_id(self) -> str:
        return hashlib.sha256(f"{self.path}\0{self.sha256}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Manifest:
    """What a sidecar says; None where it says nothing."""

    province: str | None = None
    period: date | None = None
    rows: int | None = None
    sha256: str | None = None


def scan(landing: Path, known: Mapping[str, tuple[int, int, str]]) -> Iterator[Landed]:
    """Every delivery of the landing zone, in order of path, without those of unchanged files.

    `known`: relative path of a file → (size, modified_ns, context) as it was last seen; such a file is neither opened nor hashed. An
    unreadable file is yielded with its refusal. Raises nothing but OSError for the landing zone itself; one that does not exist is empty.
    """
    if landing.is_dir():
        yield from _folder(landing, landing.resolve(), "", known)


def missing_context(landed: Landed) -> Refusal | None:
    """Why a register cannot be placed: its province or its month is not known. None for all else."""
    if landed.export not in {t.name for t in REGISTERS} or (landed.province and landed.period):
        return None
    lacking = [word for word, value in (("province", landed.province), ("period", landed.period)) if value is None]
    name = landed.path.split("!/")[0].rsplit("/", 1)[-1]
    return Refusal(
        "missing_context",
        f"no {' and no '.join(lacking)} is given for this register. Say it in one of three ways: a sidecar {name}{SIDECAR} with"
        ' {"province": "22", "period": "2025-09"}; folders province=22 and period=2025-09 in its path; or a file name that ends in'
        " _22_2025-09 before its suffix",
    )


def not_ahead(found: Iterable[Landed], received_on: date) -> Iterator[Landed]:
    """`found`; refused is what says of itself that it is of a month more than a year after it was received: a slip, as 2052 for 2025,
    would otherwise be the latest month of every table."""
    for landed in found:
        if landed.refusal is None and landed.period and landed.period > received_on.replace(year=received_on.year + 1, day=1):
            reason = (
                f"its period {landed.period:%Y-%m} lies more than a year ahead; say the right one in a sidecar, its folders or its name"
            )
            landed = replace(landed, refusal=Refusal("period_ahead", reason))
        yield landed


def parse_manifest(text: bytes) -> Manifest:
    """A sidecar. Raises `Refusal('bad_manifest')` for what is no JSON object or has a field of a wrong form; unknown fields are passed
    over."""
    try:
        raw = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Refusal("bad_manifest", f"the manifest is not JSON in UTF-8: {type(error).__name__}", _position(error)) from error
    if not isinstance(raw, dict):
        raise _wrong('an object, as {"province": "22", "period": "2025-09"}')
    province, period, rows, sha256 = (raw.get(k) for k in ("province", "period", "rows", "sha256"))
    if province is not None and not _is_text(province, r"\d{2}"):
        raise _wrong('"province" as a text of two digits, as "22"')
    month = month_of(period) if isinstance(period, str) else None
    if period is not None and month is None:
        raise _wrong('"period" as a month in quotes, as "2025-09"')
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise _wrong('"rows" as a whole number, as 1234')
    if sha256 is not None and not _is_text(sha256, r"[0-9a-fA-F]{64}"):
        raise _wrong('"sha256" as a text of 64 hexadecimal digits')
    return Manifest(province, month, rows, sha256.lower() if sha256 else None)


def month_of(text: str) -> date | None:
    """First day of a month written `2025-09`, `202509` or `09/2025`; None for anything else."""
    match = re.fullmatch(r"(?P<y>\d{4})-?(?P<m>\d{2})|(?P<m2>\d{1,2})/(?P<y2>\d{4})", text.strip(), re.ASCII)
    if not match:
        return None
    year, month = int(match["y"] or match["y2"]), int(match["m"] or match["m2"])
    return date(year, month, 1) if 1 <= month <= 12 and 1900 <= year <= 2999 else None


def _wrong(expected: str) -> Refusal:
    return Refusal("bad_manifest", f"the manifest must give {expected}")


def _is_text(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _position(error: Exception) -> str:
    return f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""


def _folder(folder: Path, root: Path, prefix: str, known: Mapping[str, tuple[int, int, str]]) -> Iterator[Landed]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda e: e.name)
    except OSError as error:
        yield Landed(_label(prefix), folder, (), export_of(prefix), "", 0, 0, refusal=containers.unreadable(error))
        return
    names = {e.name for e in entries}
    for entry in entries:
        if containers.is_ignored(entry.name) or entry.name.endswith(SIDECAR):
            continue
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        try:
            if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                reason = "it is a symbolic link that leads out of the landing zone; put the file itself here"
                yield Landed(_label(path), Path(entry.path), (), export_of(path), "", 0, 0, refusal=Refusal("outside_landing", reason))
                continue
            if entry.is_dir():
                if not entry.is_symlink():  # a link to a folder inside: its files are met where they lie
                    yield from _folder(Path(entry.path), root, path, known)
                continue
            sidecar = Path(entry.path + SIDECAR) if entry.name + SIDECAR in names else None
            yield from _file(entry, _label(path), sidecar, known)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            refusal = containers.unreadable(error if isinstance(error, OSError) else OSError(0, "a loop of symbolic links"))
            yield Landed(_label(path), Path(entry.path), (), export_of(path), "", 0, 0, refusal=refusal)


def _label(path: str) -> str:
    """A path as it is recorded: NFC, and bytes that are no UTF-8 made visible."""
    return unicodedata.normalize("NFC", path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def export_of(path: str) -> str | None:
    """Name of the export whose folder a path lies in; None for a path elsewhere."""
    table = BY_FOLDER.get("/".join(path.split("/")[:2]))
    return table.name if table else None


def _file(entry: os.DirEntry[str], path: str, sidecar: Path | None, known: Mapping[str, tuple[int, int, str]]) -> Iterator[Landed]:
    stat = entry.stat()
    said, context, fault = _read_sidecar(sidecar)
    if known.get(path) == (stat.st_size, stat.st_mtime_ns, context):
        return
    landed = Landed(path, Path(entry.path), (), export_of(path), "", stat.st_size, stat.st_mtime_ns, context=context, refusal=fault)
    landed = _placed(replace(landed, rows_declared=said.rows), (said,))
    if landed.export is None and fault is None:
        folders = ", ".join(BY_FOLDER)
        landed = replace(landed, refusal=Refusal("unknown_folder", f"it lies in none of the folders of the landing zone ({folders})"))
    if not entry.is_file():
        yield replace(landed, refusal=Refusal("unreadable_file", "it is no file"))
        return
    try:
        with landed.file.open("rb") as file:
            landed = replace(landed, sha256=hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        yield replace(landed, refusal=containers.unreadable(error))
        return
    if landed.refusal is None and said.sha256 and said.sha256 != landed.sha256:
        reason = "the manifest gives another sha256: the file was cut off or changed on its way; send it again"
        landed = replace(landed, refusal=Refusal("wrong_sha256", reason))
    if landed.refusal:
        yield landed
        return
    try:
        if not containers.is_archive(landed.file):
            yield landed
            return
        members = list(_members(landed, said))
    except Refusal as refusal:
        yield replace(landed, refusal=refusal)
        return
    yield from members


def _members(archive_landed: Landed, said: Manifest) -> Iterator[Landed]:
    """The members of an archive. Their own sidecars inside come before the archive's."""
    with containers.opened(archive_landed.file) as archive:
        names = containers.member_names(archive)
        files = [n for n in names if not n.endswith(SIDECAR)]
        if not files:
            raise Refusal("empty_file", "the zip archive holds manifests only")
        for name in files:
            landed = replace(
                archive_landed,
                path=f"{archive_landed.path}!/{_label(name)}",
                members=(name,),
                rows_declared=said.rows if len(files) == 1 else None,
                rows_declared_total=said.rows if len(files) > 1 else None,
            )
            try:
                own = _member_manifest(archive, name + SIDECAR) if name + SIDECAR in names else Manifest()
                digest = hashlib.sha256()
                for chunk in containers.member_chunks(archive, name):
                    digest.update(chunk)
                landed = replace(landed, sha256=digest.hexdigest(), rows_declared=landed.rows_declared if own.rows is None else own.rows)
                if own.sha256 and own.sha256 != landed.sha256:
                    raise Refusal("wrong_sha256", "the manifest in the archive gives another sha256 for this member; send it again")
            except Refusal as refusal:
                yield replace(_placed(landed, (said,)), refusal=refusal)
            else:
                yield _placed(landed, (own, said))


def _member_manifest(archive: zipfile.ZipFile, name: str) -> Manifest:
    if archive.getinfo(name).file_size > _SIDECAR_LIMIT:  # zipfile gives no more than this, whatever the member holds
        raise Refusal("bad_manifest", "the manifest in the archive is larger than 1 MB")
    return parse_manifest(b"".join(containers.member_chunks(archive, name)))


def _read_sidecar(sidecar: Path | None) -> tuple[Manifest, str, Refusal | None]:
    """What a sidecar says, the sha256 of its bytes ('' without one), and what is wrong with it."""
    if sidecar is None:
        return Manifest(), "", None
    try:
        with sidecar.open("rb") as file:
            text = file.read(_SIDECAR_LIMIT + 1)
    except OSError as error:
        return Manifest(), "unreadable", Refusal("bad_manifest", f"the manifest cannot be read: {error.strerror}")
    context = hashlib.sha256(text).hexdigest()
    if len(text) > _SIDECAR_LIMIT:
        return Manifest(), context, Refusal("bad_manifest", "the manifest is larger than 1 MB")
    try:
        return parse_manifest(text), context, None
    except Refusal as refusal:
        return Manifest(), context, refusal


def _placed(landed: Landed, manifests: tuple[Manifest, ...]) -> Landed:
    """`landed` with its province and period: from manifests, else path parts (the innermost), else the file name (a member's first)."""
    *folders, _ = parts = landed.path.replace("!/", "/").split("/")
    provinces = [m.province for m in manifests] + [p[9:] for p in reversed(folders) if re.fullmatch(r"province=\d{2}", p, re.ASCII)]
    periods = [m.period for m in manifests] + [month_of(p[7:]) for p in reversed(folders) if p.startswith("period=")]
    archive = landed.path.split("!/")[0].rsplit("/", 1)[-1]
    for name in (parts[-1], archive):
        if match := _IN_NAME.search(name):
            provinces.append(match[1])
            periods.append(month_of(match[2]))
    return replace(
        landed,
        province=next((p for p in provinces if p), None),
        period=next((p for p in periods if p), None),
    )


__all__ = ["SIDECAR", "Landed", "Manifest", "export_of", "missing_context", "month_of", "not_ahead", "parse_manifest", "scan"]
