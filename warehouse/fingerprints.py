"""Fingerprints of what a build is given and of what it makes: what has the fingerprint that it had need not be made again."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from expectations.declare import Table
from expectations.exports import CLAIM_LINES, EXPORTS
from expectations.marts import ANALYST_TABLES, BI_TABLES
from warehouse import reference
from warehouse.assemble import DERIVED
from warehouse.settings import Settings
from warehouse.sql_files import queries
from warehouse.storage import replacing, restricted_directory

IN_USE = ("loaded",)
DIGEST = "steps.digest_"  # only tell what must be made, are in nothing that is made


def sha256(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def person_key(settings: Settings) -> bytes:
    """The secret of the keyed hashes, made at first use and kept in the restricted area, outside every database."""
    path = settings.person_key_file
    if not path.exists():
        restricted_directory(path.parent)
        with replacing(path) as temporary:
            temporary.write_text(secrets.token_hex(32), encoding="ascii")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def given_fingerprints(settings: Settings, deliveries: pl.DataFrame, persons: str) -> dict[str, str]:
    """Fingerprints of what the build is given: deliveries in use by export, the person index, reference tables, the ledger."""
    found: dict[str, str] = {"persons.card_persons": persons}
    used = deliveries.filter(pl.col("status").is_in(IN_USE))
    for table in EXPORTS:
        of_export = used.filter(pl.col("export") == table.name)  # in order of received_rank
        read = of_export.select(pl.concat_str("delivery_id", "read_by", "records_loaded", separator=" ")).to_series()
        found[f"typed.{table.name}"] = sha256(table.name, _declaration(table), *read)
    found[f"typed.{CLAIM_LINES.name}"] = found["typed.claims"]
    found |= {f"reference.{name}": digest for name, digest in reference.fingerprints().items()}
    found["persons.claim_persons"] = sha256(persons, found["typed.claims"])
    found["ledger.registers"] = found["typed.cards"]
    return found


def of_relations(given: dict[str, str], key: bytes) -> dict[str, str]:
    """Fingerprint of every relation: what is given, and each SQL file's table with all that it reads. `quality` is made anew each time."""
    texts = of_texts(key)
    found = dict(given)
    for name, query in queries().items():
        if query.schema not in DERIVED and not name.startswith(DIGEST):
            found[name] = sha256(texts[name], *(found[r] for r in sorted(query.reads)))
    return found


def of_tables(relations: Mapping[str, str]) -> dict[str, str]:
    """Of those the tables that are kept."""
    declared = {t.qualified_name for t in (*BI_TABLES, *ANALYST_TABLES)}
    return {name: fingerprint for name, fingerprint in relations.items() if name in declared}


def of_texts(key: bytes) -> dict[str, str]:
    """Fingerprint of each query with its table's declaration, and of the declaration of each export: what the code says, not the data."""
    declared = {t.qualified_name: _declaration(t) for t in (*BI_TABLES, *ANALYST_TABLES)}
    secret = hmac.new(key, b"fingerprint", "sha256").hexdigest()
    found = {f"typed.{t.name}": sha256(_declaration(t)) for t in (*EXPORTS, CLAIM_LINES)}
    for name, query in queries().items():
        found[name] = sha256(query.text, declared.get(name, ""), secret if "keyed(" in query.text else "")
    return found


def _declaration(table: Table) -> str:
    return json.dumps([table.grain, [(f.name, f.kind.duckdb, f.meaning, f.unit, f.vietnamese) for f in table.fields]], ensure_ascii=False)


def published_fingerprints(coverage_file: Path) -> dict[str, str]:
    """`meta.build` of a version, without the tables that are made anew each time; empty when there is none."""
    if not coverage_file.exists():
        return {}
    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        return dict(connection.execute("SELECT table_name, fingerprint FROM meta.build WHERE fingerprint <> ''").fetchall())
