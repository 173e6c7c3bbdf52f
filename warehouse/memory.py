"""The memory of a version: what its build found out about claims and registers across months, so that the next looks at what is new.

Restricted Parquet files among the parts, named after their content and listed in `memory.parquet` beside a version's manifest (never in
the kept manifests: a memory is of use to the next build only and goes with its version). Everything in it follows from the deliveries in
use and the person index alone; a build without one, or with one made by other code, makes it anew from all that was received.

| table | grain |
|---|---|
| `remembered.claim` | one row per version of a claim (`steps.claim_known`), a part per claim month |
| `remembered.claim_month` | digests of these by claim month and service month (`steps.digest_claim_month`) |
| `remembered.card_row`, `…citizen_row` | what the registers said last (`steps.card_row`, `steps.citizen_row`), a part per register |
| `remembered.card_persons` | the person index that was read (a link) |
| `remembered.delivery` | the deliveries of claims and cards that were in use |
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl

from warehouse import parts
from warehouse.fingerprints import of_texts
from warehouse.fingerprints import sha256 as joined
from warehouse.monthly import leaves, steps_read
from warehouse.parts import Part
from warehouse.settings import Settings
from warehouse.sql_files import queries
from warehouse.storage import restricted_directory

KNOWN, DIGESTS = "steps.claim_known", "steps.digest_claim_month"
TABLES = ("claim", "claim_month", "card_row", "citizen_row", "card_persons", "delivery")
USED = """
    SELECT
        u.delivery_id,
        u.export,
        u.period,
        coalesce(u.register_province, '00') || '_' || coalesce(strftime(u.period, '%Y-%m'), 'undated') AS part,
        d.read_by,
        d.records_loaded,
        u.received_rank
    FROM deliveries_in_use AS u
    INNER JOIN ledger.deliveries AS d ON d.delivery_id = u.delivery_id
    WHERE u.export IN ('claims', 'cards') AND d.records_loaded > 0
    ORDER BY u.received_rank
"""
_NOT_IN = """
    SELECT o.delivery_id, o.export, o.part
    FROM {one} AS o
    ANTI JOIN {other} AS t
        ON
            t.delivery_id = o.delivery_id
            AND t.export = o.export
            AND t.period IS NOT DISTINCT FROM o.period
            AND t.part = o.part
            AND t.read_by = o.read_by
            AND t.records_loaded = o.records_loaded
"""
_SAME_ORDER = """
    SELECT coalesce(bool_and(rank_now > rank_before), true)
    FROM (
        SELECT n.received_rank AS rank_now, lag(n.received_rank) OVER (ORDER BY w.received_rank) AS rank_before
        FROM remembered.delivery AS w
        INNER JOIN remembered.used AS n ON n.delivery_id = w.delivery_id
    ) AS kept
    WHERE rank_before IS NOT NULL
"""


def made_by(key: bytes) -> str:
    """Fingerprint of the code that a memory follows from: the queries, the declarations that they read, DuckDB (its hashes), the layout."""
    texts = of_texts(key)
    names = {KNOWN, DIGESTS, *steps_read(KNOWN), *(n for n in leaves(KNOWN) if n in texts)}
    return joined(duckdb.__version__, USED, *(f"{n} {texts[n]}" for n in sorted(names)))


def usable(settings: Settings, remembered: Collection[Part], code: str) -> bool:
    """Whether a memory is whole and was made by the same code. One without claims is of no use."""
    return (
        {p.table_name for p in remembered} == {f"remembered.{t}" for t in TABLES}
        and all(p.fingerprint == code for p in remembered)
        and parts.all_there(settings, remembered)
    )


def show(c: duckdb.DuckDBPyConnection, settings: Settings, name: str, of_table: Collection[Part]) -> None:
    """Create (or replace) the view `name` of parts in their order."""
    variable = f"parts_of_{name.replace('.', '_')}"
    c.execute(f"SET VARIABLE {variable} = ?", [[str(p) for p in parts.paths(settings, of_table)]])
    c.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet(getvariable('{variable}'))")


def used(c: duckdb.DuckDBPyConnection) -> None:
    """Create `remembered.used`: the deliveries of claims and cards in use. `part`: of the memory, in which a register's rows lie."""
    c.execute(f"CREATE OR REPLACE TABLE remembered.used AS {USED}")


def deliveries(c: duckdb.DuckDBPyConnection) -> bool:
    """Create `remembered.came` and `remembered.gone` (delivery_id, export, part): in use now and not before, and the reverse.

    One that was read again is both. False where those that stay come in another order than before, which nobody knows how to follow.
    """
    c.execute(f"CREATE OR REPLACE TABLE remembered.came AS {_NOT_IN.format(one='remembered.used', other='remembered.delivery')}")
    c.execute(f"CREATE OR REPLACE TABLE remembered.gone AS {_NOT_IN.format(one='remembered.delivery', other='remembered.used')}")
    return bool(c.execute(_SAME_ORDER).fetchall()[0][0])


def came(c: duckdb.DuckDBPyConnection, export: str) -> list[str]:
    return [i for (i,) in c.execute("SELECT delivery_id FROM remembered.came WHERE export = ? ORDER BY delivery_id", [export]).fetchall()]


def write(settings: Settings, table: str, part: str, rows: pl.DataFrame, code: str) -> Part:
    return parts.write(settings, f"remembered.{table}", part, rows, code)


def link_index(settings: Settings, code: str) -> Part:
    """The person index as a part: a hard link, for the index is never changed in place. Without one an empty part."""
    index = settings.card_persons_file
    if not index.exists():
        return write(
            settings,
            "card_persons",
            parts.WHOLE,
            pl.DataFrame(schema=dict.fromkeys(("card_number", "card_key", "person_id"), pl.String)),
            code,
        )
    digest = sha256()
    with index.open("rb") as read:
        while block := read.read(1 << 20):
            digest.update(block)
    folder = restricted_directory(settings.parts_dir / "remembered.card_persons" / parts.WHOLE)
    path = folder / f"{digest.hexdigest()[:32]}.parquet"
    if not path.exists():
        new = path.with_name(f".{path.name}.next")
        new.unlink(missing_ok=True)
        source = Path(index).resolve()
        try:
            os.link(source, new)
        except OSError:  # another file system, or one without links
            shutil.copy2(source, new)
        new.replace(path)
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    return Part("remembered.card_persons", parts.WHOLE, str(path.relative_to(settings.parts_dir)), rows, code)


def query(name: str) -> str:
    return queries()[name].text
