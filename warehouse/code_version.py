"""Which code built a version: the release and a hash of the rooms' files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

RELEASE = "0.1.0"
ROOMS = ("expectations", "transforms", "warehouse", "flows")
_ROOT = Path(__file__).resolve().parent.parent


@cache
def code_version() -> str:
    """For example `0.1.0+5d41402abc4b`: the same for the same code, whatever the machine."""
    return f"{RELEASE}+{code_hash(*ROOMS)[:12]}"


@cache
def code_hash(*folders: str) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".sql", ".csv", ".json", ".toml") and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
