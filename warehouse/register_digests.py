"""A digest of the persons of each register: whether one of its cards belongs to another person than when its months were last made.

The person index is made anew whenever a register comes, and is the same for nearly all cards. Digests are kept in
`restricted/register_digests/` with (a link to) the index that they were made with; of the registers that stay, only those that hold a card
of which the index now says something else are read again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

from warehouse import card_persons
from warehouse.settings import Settings
from warehouse.storage import replacing, restricted_directory

SCHEMA = {"delivery_id": pl.String(), "read_by": pl.String(), "digest": pl.String()}
_DIGEST = """
    SELECT cards.delivery_id, concat_ws(' ', count(*), sum(hash(people.card_number, people.card_key, people.person_id))) AS digest
    FROM read_parquet(getvariable('register_files')) AS cards
    INNER JOIN persons.card_persons AS people ON people.card_number = cards.card_number
    WHERE cards.delivery_id IN (SELECT delivery_id FROM stale_registers)
    GROUP BY cards.delivery_id
"""
# A person who has another id, and the same cards as before, is no news: nothing that is counted depends on ids.
# Nearly all cards say what they said: only of persons whom a moved card touches are all cards looked at.
_HOLDING = """
    WITH moved AS MATERIALIZED (
        SELECT card_number, was.card_key AS key_was, was.person_id AS person_was, now.card_key AS key_now, now.person_id AS person_now
        FROM read_parquet(getvariable('index_before')) AS was
        LEFT JOIN persons.card_persons AS now USING (card_number)
        WHERE was.card_key IS DISTINCT FROM now.card_key OR was.person_id IS DISTINCT FROM now.person_id
    ),

    undivided AS (
        SELECT was.person_id AS person_was
        FROM (
            SELECT card_number, person_id FROM read_parquet(getvariable('index_before'))
            WHERE person_id IN (SELECT person_was FROM moved)
        ) AS was
        LEFT JOIN persons.card_persons AS now USING (card_number)
        GROUP BY was.person_id
        HAVING count(now.person_id) = count(*) AND min(now.person_id) = max(now.person_id)
    ),

    unmixed AS (
        SELECT now.person_id AS person_now
        FROM (
            SELECT card_number, person_id FROM persons.card_persons
            WHERE person_id IN (SELECT person_now FROM moved)
        ) AS now
        INNER JOIN read_parquet(getvariable('index_before')) AS was USING (card_number)
        GROUP BY now.person_id
        HAVING min(was.person_id) = max(was.person_id)
    ),

    changed AS (
        SELECT card_number
        FROM moved
        WHERE
            key_was IS DISTINCT FROM key_now
            OR person_now IS NULL
            OR (
                person_was <> person_now
                AND (
                    person_was NOT IN (SELECT person_was FROM undivided)
                    OR person_now NOT IN (SELECT person_now FROM unmixed)
                )
            )
    )

    SELECT DISTINCT delivery_id
    FROM read_parquet(getvariable('register_files'))
    WHERE card_number IN (SELECT card_number FROM changed)
"""


Files = Callable[[pl.DataFrame], list[Path]]


def give(c: duckdb.DuckDBPyConnection, settings: Settings, registers: pl.DataFrame, files: Files) -> None:
    """Create `persons.register_digests` (delivery_id, digest) for the registers in use (rows of the ledger).

    `files` gives the Parquet files that hold the rows of registers (and may hold those of others).
    """
    index = settings.card_persons_file
    known = _known(settings, registers)
    if known.height and card_persons.fingerprint(index) != _made_with(settings):
        c.execute("SET VARIABLE index_before = ?", [str(_index_link(settings))])
        _read(c, files(registers.join(known, on="delivery_id", how="semi")))
        holding = [row[0] for row in c.execute(_HOLDING).fetchall()]
        known = known.filter(~pl.col("delivery_id").is_in(holding))
    stale = registers.join(known, on="delivery_id", how="anti")
    if stale.height:
        c.register("stale_rows", stale.select("delivery_id").to_arrow())
        c.execute("CREATE OR REPLACE TEMP TABLE stale_registers AS SELECT * FROM stale_rows")
        c.unregister("stale_rows")
        _read(c, files(stale))
        found = c.execute(_DIGEST).pl().join(stale.select("delivery_id", "read_by"), on="delivery_id")
        known = pl.concat([known, found.select(*SCHEMA)])
    known = registers.select("delivery_id", "read_by").join(known.select("delivery_id", "digest"), on="delivery_id", how="left")
    _keep(settings, known.sort("delivery_id"))
    c.register("digest_rows", known.select("delivery_id", "digest").to_arrow())
    c.execute("CREATE OR REPLACE TABLE persons.register_digests AS SELECT * FROM digest_rows")
    c.unregister("digest_rows")


def _read(c: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    c.execute("SET VARIABLE register_files = ?", [sorted({str(f) for f in files})])


def _file(settings: Settings) -> Path:
    return settings.register_digests_dir / "digests.parquet"


def _index_link(settings: Settings) -> Path:
    return settings.register_digests_dir / "card_persons.parquet"


def _made_with(settings: Settings) -> str:
    return card_persons.fingerprint(_index_link(settings))


def _known(settings: Settings, registers: pl.DataFrame) -> pl.DataFrame:
    """Digests of registers in use; none when they were made with another index than the one that is linked (a night died in between)."""
    file = _file(settings)
    if not file.exists() or pl.read_parquet_metadata(file).get(card_persons.FINGERPRINT) != _made_with(settings):
        return pl.DataFrame(schema=SCHEMA)
    return pl.read_parquet(file).drop_nulls("digest").join(registers, on=["delivery_id", "read_by"], how="semi")


def _keep(settings: Settings, known: pl.DataFrame) -> None:
    restricted_directory(settings.register_digests_dir)
    index = settings.card_persons_file
    if not index.exists():
        return
    link = _index_link(settings)
    new = link.with_name(f".{link.name}.next")
    new.unlink(missing_ok=True)
    try:  # the index is never changed in place: a later one takes its name, this link keeps it
        os.link(index, new)
    except OSError:  # a file system without links
        shutil.copy2(index, new)
    new.replace(link)
    with replacing(_file(settings)) as temporary:
        known.write_parquet(temporary, compression="zstd", metadata={card_persons.FINGERPRINT: card_persons.fingerprint(index)})
