"""Bring the memory of the registers up to date: what they said last of each card and citizen id, and what of that has changed.

A new register is laid over what was known. Where a register is no longer in use, what it alone had said last (no new one says it again) is
looked up in all that are. Of claims those must be asked again whose card or person says something else now: `remembered.changed_index`
(card numbers that belong to another card or person), `remembered.changed_citizen` (citizen ids), `remembered.changed_person` and
`remembered.changed_key` (persons and cards, with the day from which on the registers say something else of them, `since`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import duckdb

from expectations.declare import Table
from expectations.exports.cards import CARDS
from warehouse import memory, parts
from warehouse.parts import Part
from warehouse.settings import Settings

ROWS = {"card_row": "card_number, valid_from", "citizen_row": "citizen_id, card_number, birth_date, sex"}  # table of the memory and its key

# Cards of which a register that is gone said something last, and no new one says it again from a later place.
_LOST = """
    CREATE OR REPLACE TABLE remembered.lost AS
    WITH came AS (
        SELECT card_number, valid_from, citizen_id, birth_date, sex, {'period': period, 'received_rank': received_rank} AS place
        FROM typed.cards
    ),

    ranks AS (
        SELECT g.delivery_id, {'period': d.period, 'received_rank': d.received_rank} AS place
        FROM remembered.gone AS g
        INNER JOIN ledger.deliveries AS d ON d.delivery_id = g.delivery_id
    )

    SELECT m.card_number
    FROM remembered.card_row AS m
    INNER JOIN ranks AS r ON r.delivery_id = m.delivery_id
    ANTI JOIN came AS c
        ON c.card_number = m.card_number AND c.valid_from IS NOT DISTINCT FROM m.valid_from AND c.place >= r.place
    UNION
    SELECT m.card_number
    FROM remembered.citizen_row AS m
    INNER JOIN ranks AS r ON r.delivery_id = m.delivery_id
    ANTI JOIN came AS c
        ON
            c.card_number = m.card_number
            AND c.citizen_id = m.citizen_id
            AND c.birth_date IS NOT DISTINCT FROM m.birth_date
            AND c.sex IS NOT DISTINCT FROM m.sex
            AND c.place >= r.place
"""
_ROWS_OF_LOST = (
    "CREATE OR REPLACE TABLE remembered.read AS SELECT * FROM typed.cards WHERE card_number IN (SELECT card_number FROM remembered.lost)"
)
_ROWS_THAT_CAME = "INSERT INTO remembered.read SELECT * FROM typed.cards WHERE card_number NOT IN (SELECT card_number FROM remembered.lost)"
_PLACED = """
    SELECT * EXCLUDE (place) FROM (
        SELECT *, {'period': period, 'received_rank': received_rank, 'row_number': row_number} AS place FROM remembered.fresh
        UNION ALL BY NAME
        SELECT
            m.*,
            d.period,
            d.received_rank,
            {'period': d.period, 'received_rank': d.received_rank, 'row_number': m.row_number} AS place
        FROM remembered.{table} AS m
        INNER JOIN deliveries_in_use AS d ON d.delivery_id = m.delivery_id
        WHERE
            m.delivery_id NOT IN (SELECT delivery_id FROM remembered.gone)
            AND m.card_number NOT IN (SELECT card_number FROM remembered.lost)
    )
    QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place DESC) = 1
"""
_CHANGES = """
    CREATE OR REPLACE TABLE remembered.changed_index AS
    WITH now AS (SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM persons.card_persons),
    was AS (SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM remembered.card_persons)
    SELECT * FROM (SELECT * FROM now EXCEPT SELECT * FROM was)
    UNION
    SELECT * FROM (SELECT * FROM was EXCEPT SELECT * FROM now);

    CREATE OR REPLACE TABLE remembered.changed_row AS
    WITH now AS (SELECT card_number, valid_from, valid_to, withdrawn_on, withdrawal_reason, object_code FROM steps.card_row),
    was AS (SELECT card_number, valid_from, valid_to, withdrawn_on, withdrawal_reason, object_code FROM remembered.card_row)
    SELECT * FROM (SELECT * FROM now EXCEPT SELECT * FROM was)
    UNION
    SELECT * FROM (SELECT * FROM was EXCEPT SELECT * FROM now);

    CREATE OR REPLACE TABLE remembered.changed_citizen AS
    WITH now AS (SELECT citizen_id, card_number, birth_date, sex FROM steps.citizen_row),
    was AS (SELECT citizen_id, card_number, birth_date, sex FROM remembered.citizen_row)
    SELECT citizen_id FROM (SELECT * FROM now EXCEPT SELECT * FROM was)
    UNION
    SELECT citizen_id FROM (SELECT * FROM was EXCEPT SELECT * FROM now)
    UNION
    SELECT citizen_id FROM now WHERE card_number IN (SELECT card_number FROM remembered.changed_index)
    UNION
    SELECT citizen_id FROM was WHERE card_number IN (SELECT card_number FROM remembered.changed_index);

    -- A card with several numbers: which of them spoke last may change although none says anything else.
    CREATE OR REPLACE TABLE remembered.changed_span AS
    WITH several AS (
        SELECT
            r.card_number,
            r.valid_from,
            r.withdrawn_on,
            i.card_key,
            row(r.valid_to, r.withdrawn_on, r.withdrawal_reason, r.object_code, i.person_id) AS said
        FROM steps.card_row AS r
        INNER JOIN persons.card_persons AS i ON i.card_number = r.card_number
        WHERE i.card_key IN (SELECT card_key FROM persons.card_persons WHERE card_number <> card_key)
    )

    SELECT card_number, least(valid_from, withdrawn_on) AS since FROM remembered.changed_row
    UNION ALL
    SELECT s.card_number, least(s.valid_from, s.withdrawn_on) AS since
    FROM several AS s
    SEMI JOIN (
        SELECT card_key, valid_from FROM several GROUP BY card_key, valid_from HAVING count(DISTINCT said) > 1
    ) AS d ON d.card_key = s.card_key AND d.valid_from IS NOT DISTINCT FROM s.valid_from
    UNION ALL
    SELECT card_number, least(valid_from, withdrawn_on) AS since
    FROM (
        SELECT card_number, valid_from, withdrawn_on FROM steps.card_row
        UNION
        SELECT card_number, valid_from, withdrawn_on FROM remembered.card_row
    )
    WHERE card_number IN (SELECT card_number FROM remembered.changed_index);

    CREATE OR REPLACE TABLE remembered.changed_index_of AS
    SELECT i.card_key, i.person_id, s.since
    FROM remembered.changed_span AS s
    INNER JOIN (
        SELECT card_number, card_key, person_id::VARCHAR AS person_id FROM persons.card_persons
        UNION
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
_KEPT = "SELECT * EXCLUDE (period, received_rank) FROM {step} ORDER BY {key}"  # a rank is of this ledger only


def bring_up_to_date(
    c: duckdb.DuckDBPyConnection,
    settings: Settings,
    typed: Callable[[Table, Collection[str] | None], None],
    of: Mapping[str, list[Part]],
    code: str,
) -> list[Part]:
    """`steps.card_row` and `steps.citizen_row` from the memory and from what is new, and the tables of what has changed; returns the parts.

    `typed` gives the rows of some registers (None: of all in use), `of` the parts of the memory by its table.
    """
    came = memory.came(c, CARDS.name)
    gone = c.execute("SELECT 1 FROM remembered.gone WHERE export = ? LIMIT 1", [CARDS.name]).fetchall()
    typed(CARDS, came)
    c.execute(_LOST)
    if c.execute("SELECT 1 FROM remembered.lost LIMIT 1").fetchall():
        typed(CARDS, None)
    c.execute(_ROWS_OF_LOST)
    typed(CARDS, came)
    c.execute(_ROWS_THAT_CAME)
    c.execute("DROP VIEW typed.cards")
    c.execute("CREATE VIEW typed.cards AS SELECT * FROM remembered.read")
    for table, key in ROWS.items():
        c.execute(f"CREATE OR REPLACE TABLE remembered.fresh AS {memory.query(f'steps.{table}')}")
        c.execute(f"CREATE OR REPLACE TABLE steps.{table} AS {_PLACED.replace('{table}', table).replace('{key}', key)}")
    c.execute(_CHANGES)
    index = memory.link_index(settings, code)
    if not came and not gone:
        return [*of["card_row"], *of["citizen_row"], index]
    return [*_rows(c, settings, code), index]


def keep(c: duckdb.DuckDBPyConnection, settings: Settings, code: str) -> list[Part]:
    """The parts of a memory that was made from all registers: `steps.card_row` and `steps.citizen_row` are there."""
    return [*_rows(c, settings, code), memory.link_index(settings, code)]


def _rows(c: duckdb.DuckDBPyConnection, settings: Settings, code: str) -> list[Part]:
    return [
        memory.write(settings, table, parts.WHOLE, c.execute(_KEPT.format(step=f"steps.{table}", key=key)).pl(), code)
        for table, key in ROWS.items()
    ]
