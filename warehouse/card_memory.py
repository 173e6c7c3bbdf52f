"""Bring the memory of the registers up to date: what they said last of each card and citizen id, and what of that has changed.

A row lies in the part of the register that said it last, `<province>_<month>`. A new register is laid over what was known: its rows move
into its own part and out of the parts of those that spoke before; parts that nothing of this concerns keep their file. Where a register is
no longer in use, what it alone had said last (no new one says it again) is looked up in those in use, from the latest month backwards.
Of claims those must be asked again whose card or person says something else now: `remembered.changed_index`
(card numbers that belong to another card or person), `remembered.changed_citizen` (citizen ids), `remembered.changed_person` and
`remembered.changed_key` (persons and cards, with the day from which on the registers say something else of them, `since`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby

import duckdb

from expectations.declare import Table
from expectations.exports.cards import CARDS
from warehouse import memory, parts
from warehouse.parts import Part
from warehouse.settings import Settings

KEYS = {
    "card_row": ("card_number", "valid_from"),
    "citizen_row": ("citizen_id", "card_number", "birth_date", "sex"),
}  # by table of the memory
Typed = Callable[[Table, Collection[str] | None], None]

# What a register that is gone said last, and no new one says again from a later place. Only the parts of those that are gone are read.
_LOST = """
    CREATE OR REPLACE TABLE remembered.lost_{table} AS
    SELECT m.*
    FROM remembered.{table}_of_gone AS m
    INNER JOIN (
        SELECT g.delivery_id, {'period': d.period, 'received_rank': d.received_rank} AS place
        FROM remembered.gone AS g
        INNER JOIN ledger.deliveries AS d ON d.delivery_id = g.delivery_id
    ) AS r ON r.delivery_id = m.delivery_id
    ANTI JOIN (
        SELECT {keys}, {'period': period, 'received_rank': received_rank} AS place FROM typed.cards
    ) AS c ON {same} AND c.place >= r.place
"""
_READ_OF_LOST = "INSERT INTO remembered.read SELECT * FROM typed.cards WHERE card_number IN (SELECT card_number FROM remembered.lost)"
_STILL_LOST = "DELETE FROM remembered.lost_{table} AS m USING typed.cards AS c WHERE {same}"
_BEFORE = """
    CREATE OR REPLACE TABLE remembered.before_{table} AS
    SELECT m.*, d.part
    FROM remembered.{table} AS m
    SEMI JOIN remembered.touched AS t ON t.card_number = m.card_number
    INNER JOIN remembered.delivery AS d ON d.delivery_id = m.delivery_id
"""
_AFTER = """
    CREATE OR REPLACE TABLE remembered.after_{table} AS
    SELECT * EXCLUDE (period, received_rank, place) FROM (
        SELECT f.*, u.part, {'period': f.period, 'received_rank': f.received_rank, 'row_number': f.row_number} AS place
        FROM ({fresh}) AS f
        INNER JOIN remembered.used AS u ON u.delivery_id = f.delivery_id
        UNION ALL BY NAME
        SELECT
            m.* EXCLUDE (part),
            u.period,
            u.received_rank,
            u.part,
            {'period': u.period, 'received_rank': u.received_rank, 'row_number': m.row_number} AS place
        FROM remembered.before_{table} AS m
        INNER JOIN remembered.used AS u ON u.delivery_id = m.delivery_id
        WHERE m.delivery_id NOT IN (SELECT delivery_id FROM remembered.gone)
    )
    QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY place DESC) = 1
    ORDER BY part
"""
# Rows that say something else, or that another register (or another of its rows) says now: a key is there once before and once after, so
# what is the same on both sides is there twice.
_MOVED = """
    CREATE OR REPLACE TABLE remembered.moved_{table} AS
    SELECT * FROM (
        SELECT * FROM remembered.before_{table}
        UNION ALL BY NAME
        SELECT * FROM remembered.after_{table}
    )
    GROUP BY ALL
    HAVING count(*) = 1
"""
_ALL = """
    CREATE OR REPLACE TABLE remembered.after_{table} AS
    SELECT r.* EXCLUDE (period, received_rank), u.part
    FROM steps.{table} AS r
    INNER JOIN remembered.used AS u ON u.delivery_id = r.delivery_id
    ORDER BY u.part
"""
_OF_PART = "SELECT * EXCLUDE (part) FROM remembered.after_{table} WHERE part = ? ORDER BY {keys}"
_OF_OLD_PART = """
    SELECT * FROM (
        SELECT m.* FROM remembered.part_before AS m ANTI JOIN remembered.touched AS t ON t.card_number = m.card_number
        UNION ALL BY NAME
        SELECT * EXCLUDE (part) FROM remembered.after_{table} WHERE part = ?
    )
    ORDER BY {keys}
"""
_STEP = """
    CREATE OR REPLACE VIEW steps.{table} AS
    SELECT m.*, u.period, u.received_rank
    FROM remembered.{table}_now AS m
    INNER JOIN remembered.used AS u ON u.delivery_id = m.delivery_id
"""
_CHANGED_INDEX = """
    CREATE OR REPLACE TABLE remembered.changed_index AS
    WITH unlike AS (
        SELECT was, now
        FROM (SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM remembered.card_persons) AS was
        FULL JOIN (SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM persons.card_persons) AS now
            ON now.card_number = was.card_number
        WHERE was.card_key IS DISTINCT FROM now.card_key OR was.person_id IS DISTINCT FROM now.person_id
    )

    SELECT said.card_number AS card_number, said.card_key AS card_key, said.person_id AS person_id
    FROM (SELECT was AS said FROM unlike UNION SELECT now AS said FROM unlike)
    WHERE said.card_number IS NOT NULL
"""
_CHANGES = """
    CREATE OR REPLACE TABLE remembered.changed_row AS
    SELECT card_number, valid_from, valid_to, withdrawn_on, withdrawal_reason, object_code
    FROM remembered.moved_card_row
    GROUP BY ALL
    HAVING count(*) = 1;

    CREATE OR REPLACE TABLE remembered.changed_citizen AS
    SELECT citizen_id
    FROM (
        SELECT citizen_id, card_number, birth_date, sex FROM remembered.moved_citizen_row GROUP BY ALL HAVING count(*) = 1
    )
    UNION
    SELECT citizen_id FROM steps.citizen_row WHERE card_number IN (SELECT card_number FROM remembered.changed_index)
    UNION
    SELECT citizen_id FROM remembered.citizen_row WHERE card_number IN (SELECT card_number FROM remembered.changed_index);

    -- A card with several numbers: which of them spoke last may change although none says anything else; then a row of one has moved.
    CREATE OR REPLACE TABLE remembered.changed_span AS
    WITH several AS (
        SELECT card_number, card_key, person_id
        FROM persons.card_persons
        WHERE
            card_key IN (SELECT card_key FROM persons.card_persons WHERE card_number <> card_key)
            AND card_key IN (
                SELECT card_key FROM persons.card_persons WHERE card_number IN (SELECT card_number FROM remembered.moved_card_row)
            )
    ),

    spoken AS (
        SELECT
            r.card_number,
            r.valid_from,
            r.withdrawn_on,
            i.card_key,
            row(r.valid_to, r.withdrawn_on, r.withdrawal_reason, r.object_code, i.person_id) AS said
        FROM steps.card_row AS r
        INNER JOIN several AS i ON i.card_number = r.card_number
    )

    SELECT card_number, least(valid_from, withdrawn_on) AS since FROM remembered.changed_row
    UNION ALL
    SELECT s.card_number, least(s.valid_from, s.withdrawn_on) AS since
    FROM spoken AS s
    SEMI JOIN (
        SELECT card_key, valid_from FROM spoken GROUP BY card_key, valid_from HAVING count(DISTINCT said) > 1
    ) AS d ON d.card_key = s.card_key AND d.valid_from IS NOT DISTINCT FROM s.valid_from
    UNION ALL
    SELECT card_number, least(valid_from, withdrawn_on) AS since
    FROM (
        SELECT card_number, valid_from, withdrawn_on
        FROM steps.card_row
        WHERE card_number IN (SELECT card_number FROM remembered.changed_index)
        UNION
        SELECT card_number, valid_from, withdrawn_on
        FROM remembered.card_row
        WHERE card_number IN (SELECT card_number FROM remembered.changed_index)
    );

    CREATE OR REPLACE TABLE remembered.changed_index_of AS
    SELECT i.card_key, i.person_id, s.since
    FROM remembered.changed_span AS s
    INNER JOIN (
        SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM persons.card_persons
        UNION ALL
        SELECT card_number, card_key, person_id FROM remembered.changed_index
    ) AS i ON i.card_number = s.card_number;

    CREATE OR REPLACE TABLE remembered.changed_person AS
    SELECT person_id, coalesce(min(since), DATE '0001-01-01') AS since
    FROM remembered.changed_index_of
    WHERE person_id IS NOT NULL
    GROUP BY person_id;

    CREATE OR REPLACE TABLE remembered.changed_key AS
    SELECT card_key, coalesce(min(since), DATE '0001-01-01') AS since
    FROM remembered.changed_index_of
    WHERE card_key IS NOT NULL
    GROUP BY card_key
"""


def bring_up_to_date(
    c: duckdb.DuckDBPyConnection, settings: Settings, typed: Typed, of: Mapping[str, Sequence[Part]], code: str
) -> list[Part]:
    """`steps.card_row` and `steps.citizen_row` from the memory and from what is new, and the tables of what has changed; returns the parts.

    `typed` gives the rows of some registers, `of` the parts of the memory by its table.
    """
    came = memory.came(c, CARDS.name)
    _read(c, settings, typed, came, of)
    c.execute("DROP VIEW typed.cards")
    c.execute("CREATE VIEW typed.cards AS SELECT * FROM remembered.read")
    c.execute(
        "CREATE OR REPLACE TABLE remembered.touched AS"
        " SELECT card_number FROM remembered.read UNION SELECT card_number FROM remembered.lost"
    )
    found: list[Part] = []
    for table in KEYS:
        for statement in (_BEFORE, _AFTER, _MOVED):
            c.execute(_of(statement, table))
        made = _parts(c, settings, table, of[table], code)
        memory.show(c, settings, f"remembered.{table}_now", made)
        c.execute(_of(_STEP, table))
        found += made
    c.execute(_CHANGED_INDEX)
    c.execute(_CHANGES)
    return [*found, memory.link_index(settings, code)]


def keep(c: duckdb.DuckDBPyConnection, settings: Settings, code: str) -> list[Part]:
    """The parts of a memory that was made from all registers: `steps.card_row` and `steps.citizen_row` are there."""
    found: list[Part] = []
    for table in KEYS:
        c.execute(_of(_ALL, table))
        names = [n for (n,) in c.execute(f"SELECT DISTINCT part FROM remembered.after_{table} ORDER BY part").fetchall()]
        found += _some([_write(c, settings, table, n, _OF_PART, code) for n in names], c, settings, table, code)
    return [*found, memory.link_index(settings, code)]


def _read(c: duckdb.DuckDBPyConnection, settings: Settings, typed: Typed, came: Collection[str], of: Mapping[str, Sequence[Part]]) -> None:
    """`remembered.read`: rows of registers that came, and of cards of which one that is gone said something last (`remembered.lost`)."""
    gone = {n for (n,) in c.execute("SELECT part FROM remembered.gone WHERE export = ?", [CARDS.name]).fetchall()}
    typed(CARDS, came)
    c.execute("CREATE OR REPLACE TABLE remembered.read AS SELECT * FROM typed.cards")
    for table in KEYS:
        of_gone = [p for p in of[table] if p.part in gone]
        memory.show(c, settings, f"remembered.{table}_of_gone", of_gone or of[table][:1])
        c.execute(_of(_LOST, table))
    c.execute(
        "CREATE OR REPLACE TABLE remembered.lost AS"
        " SELECT card_number FROM remembered.lost_card_row UNION SELECT card_number FROM remembered.lost_citizen_row"
    )
    months = _months(c, came)
    look_at = 1
    while months and any(c.execute(f"SELECT 1 FROM remembered.lost_{t} LIMIT 1").fetchall() for t in KEYS):
        typed(CARDS, [d for of_month in months[:look_at] for d in of_month])
        c.execute(_READ_OF_LOST)
        for table in KEYS:
            c.execute(_of(_STILL_LOST, table))
        months, look_at = months[look_at:], 2 * look_at
    typed(CARDS, came)


def _months(c: duckdb.DuckDBPyConnection, but: Collection[str]) -> list[list[str]]:
    """The registers in use, except some, month by month from the latest: what is found in one is not said later by another."""
    rows = c.execute(
        "SELECT period, delivery_id FROM remembered.used WHERE export = ? ORDER BY {'period': period} DESC, delivery_id", [CARDS.name]
    ).fetchall()
    left = [r for r in rows if r[1] not in set(but)]
    return [[d for _, d in of_month] for _, of_month in groupby(left, key=lambda r: r[0])]


def _parts(c: duckdb.DuckDBPyConnection, settings: Settings, table: str, known: Sequence[Part], code: str) -> list[Part]:
    """The parts of a table of which `remembered.moved_<table>` says which are others now."""
    dirty = [n for (n,) in c.execute(f"SELECT DISTINCT part FROM remembered.moved_{table} ORDER BY part").fetchall()]
    before = {p.part: p for p in known}
    made = []
    for name in dirty:
        if name in before:
            memory.show(c, settings, "remembered.part_before", [before[name]])
        made.append(_write(c, settings, table, name, _OF_OLD_PART if name in before else _OF_PART, code))
    kept = [p for p in known if p.part not in dirty]
    return _some(sorted([*kept, *made], key=lambda p: p.part), c, settings, table, code)


def _some(made: Sequence[Part], c: duckdb.DuckDBPyConnection, settings: Settings, table: str, code: str) -> list[Part]:
    """The parts with rows; where there is none, an empty one, for a table of the memory is never without."""
    return [p for p in made if p.rows] or [_write(c, settings, table, parts.WHOLE, _OF_PART, code)]


def _write(c: duckdb.DuckDBPyConnection, settings: Settings, table: str, part: str, rows: str, code: str) -> Part:
    return memory.write(settings, table, part, c.execute(_of(rows, table), [part]).pl(), code)


def _of(statement: str, table: str) -> str:
    """A statement for one of the two tables."""
    same = " AND ".join(f"c.{k} IS NOT DISTINCT FROM m.{k}" for k in KEYS[table])
    said = {"{table}": table, "{keys}": ", ".join(KEYS[table]), "{same}": same}
    if "{fresh}" in statement:
        said["{fresh}"] = memory.query(f"steps.{table}")
    for mark, text in said.items():
        statement = statement.replace(mark, text)
    return statement
