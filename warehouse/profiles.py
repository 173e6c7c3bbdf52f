"""Profiles: small TOML files that say how a province's files differ from the contract. How to write one: docs/profiles.md."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expectations.declare import Table
from expectations.exports import BY_NAME
from warehouse.refusal import Refusal

ENCODINGS = ("utf-8", "utf-16", "windows-1258", "tcvn3", "vni")
DELIMITERS = (",", ";", "\t", "|")
_KEYS = ("export", "province", "columns", "values", "encoding", "delimiter", "bad_rows_limit_pct")


@dataclass(frozen=True)
class Profile:
    """How one export (of one province, or of all) is written.

    `columns`: heading → element name. `values`: element name → (cell as written → cell as the contract writes it; `""` is an empty cell).
    `bad_rows_limit_pct`: above this share (percent) of bad rows the delivery is held; None: the default.
    """

    export: str
    province: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    bad_rows_limit_pct: float | None = None
    file: str = ""


@dataclass(frozen=True)
class Profiles:
    """All profiles. `fingerprint` changes with any of them: a refused delivery is tried again when it does."""

    by_export: Mapping[tuple[str, str | None], Profile]
    fingerprint: str

    def for_(self, export: str, province: str | None) -> Profile | None:
        """The province's own profile of an export, else that of all provinces, else None."""
        return self.by_export.get((export, province)) or self.by_export.get((export, None))


def load(directories: Iterable[Path]) -> Profiles:
    """All `*.toml` of `directories` (those that do not exist are passed over), in order of directory and name.

    A later directory replaces an earlier one's profile of the same export and province, so that an installation can correct a profile
    that comes with the code. Raises `Refusal('bad_profile')` that names file and key.
    """
    found: dict[tuple[str, str | None], Profile] = {}
    digest = hashlib.sha256()
    for directory in directories:
        here: dict[tuple[str, str | None], Profile] = {}
        for path in sorted(directory.glob("*.toml")) if directory.is_dir() else []:
            text = path.read_bytes()
            digest.update(f"{path.name}\0{len(text)}\0".encode() + text)
            profile = parse(path.name, text)
            key = (profile.export, profile.province)
            if key in here:
                raise _wrong(path.name, "export", f"{here[key].file} is a profile of the same export and province")
            here[key] = profile
        found |= here
    return Profiles(found, digest.hexdigest())


def parse(file: str, text: bytes) -> Profile:
    """One profile from the bytes of its file. Raises `Refusal('bad_profile')` that names file and key."""
    try:
        raw = tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal("bad_profile", f"profile {file} is not TOML in UTF-8: {error}") from error
    for key in raw:
        if key not in _KEYS:
            raise _wrong(file, key, f"unknown key; known are {', '.join(_KEYS)}")
    export = raw.get("export")
    if not isinstance(export, str) or export not in BY_NAME or export == "claims":
        raise _wrong(file, "export", f"must be one of {', '.join(n for n in BY_NAME if n != 'claims')}")
    table = BY_NAME[export]
    province = raw.get("province")
    if province is not None and not (isinstance(province, str) and re.fullmatch(r"\d{2}", province, re.ASCII)):
        raise _wrong(file, "province", 'must be a text of two digits, as "22"')
    return Profile(
        export,
        province,
        _columns(file, raw.get("columns", {}), table),
        _values(file, raw.get("values", {}), table),
        _one_of(file, "encoding", raw.get("encoding"), ENCODINGS),
        _one_of(file, "delimiter", raw.get("delimiter"), DELIMITERS),
        _percent(file, raw.get("bad_rows_limit_pct")),
        file,
    )


def _wrong(file: str, key: str, what: str) -> Refusal:
    return Refusal("bad_profile", f"profile {file}, key {key}: {what}")


def _element(file: str, key: str, element: Any, table: Table) -> str:
    elements = [f.element for f in table.delivered]
    if not isinstance(element, str) or element not in elements:
        raise _wrong(file, key, f"no field of {table.name}; its fields are {', '.join(str(e) for e in elements)}")
    return element


def _columns(file: str, raw: Any, table: Table) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise _wrong(file, "columns", 'must be a table of "heading" = "ELEMENT"')
    return {heading: _element(file, f'columns."{heading}"', element, table) for heading, element in raw.items()}


def _values(file: str, raw: Any, table: Table) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict):
        raise _wrong(file, "values", "must be a table of tables, as [values.GIOI_TINH]")
    for element, mapping in raw.items():
        _element(file, f"values.{element}", element, table)
        if not isinstance(mapping, dict):
            raise _wrong(file, f"values.{element}", 'must be a table of "written" = "meant"')
        for written, meant in mapping.items():
            if not isinstance(meant, str):
                raise _wrong(file, f'values.{element}."{written}"', "must be a text in quotes")
    return raw


def _one_of(file: str, key: str, value: Any, allowed: tuple[str, ...]) -> str | None:
    if value is not None and value not in allowed:
        raise _wrong(file, key, f"must be one of {', '.join(map(repr, allowed))}")
    return str(value) if value is not None else None


def _percent(file: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise _wrong(file, "bad_rows_limit_pct", "must be a number from 0 to 100")
    return float(value)
