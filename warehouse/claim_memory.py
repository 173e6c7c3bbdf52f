"""Bring the memory of claims up to date: what something new concerns is found out anew, all other claims stay as they are.

Claims hang together across months: versions of one claim, lists and the XML that replaces them, persons in no register whose claims share a
card, stays that overlap. A claim is *asked again* when a delivery with a version of it came or went, when its card, its citizen id or its
person is another in the registers or the person index, or when it hangs together with such a claim by its versions or an unlisted person.
Its *neighbours*, claims of its person (as he was and as he is) in the same claim month, on the same day or in an overlapping stay, are
asked for their signals; theirs in turn are looked at only. All that is asked is the same SQL, over these claims.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from expectations.declare import Table
from expectations.exports.claims import CLAIMS
from warehouse import card_memory, memory, parts
from warehouse.memory import DIGESTS, KNOWN
from warehouse.parts import Part
from warehouse.settings import Settings

_WHO = ("steps.claim_current", "steps.claim_card", "steps.claim_person")
_REST = ("steps.card_span", "steps.claim_signal", "steps.claim_object", KNOWN)
_WORKING = ("steps.claim_row", "steps.claim_version", *_WHO, *_REST[:-1])

# delivery_id and row_number of the claims (any version) that are asked again; they are in the memory and their delivery is in use or was.
_SEEDS = """
    SELECT delivery_id, row_number FROM remembered.claim WHERE delivery_id IN (SELECT delivery_id FROM remembered.gone)
    UNION
    SELECT m.delivery_id, m.row_number
    FROM (SELECT delivery_id, row_number, right(unnest(card_numbers), 10) AS tail FROM remembered.claim WHERE label = 'current') AS m
    WHERE m.tail IN (SELECT right(card_number, 10) FROM remembered.changed_index)
    UNION
    SELECT delivery_id, row_number
    FROM remembered.claim
    WHERE
        label = 'current'
        AND found_by NOT IN ('card', 'card_digits')
        AND citizen_id IN (SELECT citizen_id FROM remembered.changed_citizen)
    UNION
    SELECT m.delivery_id, m.row_number
    FROM remembered.claim AS m
    INNER JOIN remembered.changed_person AS p ON p.person_id = m.person_id
    WHERE m.label = 'current' AND greatest(m.admitted_at, m.discharged_at)::DATE >= p.since
    UNION
    SELECT m.delivery_id, m.row_number
    FROM (
        SELECT
            delivery_id,
            row_number,
            greatest(admitted_at, discharged_at)::DATE AS last_day,
            len(list_filter(card_numbers, lambda n: length(n) = 15)) = 0 AS is_short,
            unnest(card_keys) AS card_key
        FROM remembered.claim
        WHERE label = 'current'
    ) AS m
    INNER JOIN remembered.changed_key AS k ON k.card_key = m.card_key
    WHERE m.last_day >= k.since OR m.is_short
"""

# The rows of what was found, as they were known; each is fetched once.
_FOUND = """
    SELECT m.*
    FROM remembered.claim AS m
    SEMI JOIN remembered.found AS f ON f.delivery_id = m.delivery_id AND f.row_number = m.row_number
"""
# What is looked at of claims that hang together: of those asked again and of those that came.
_TIED = """
    CREATE OR REPLACE TEMP VIEW tied AS
    SELECT facility_code, episode, visit_key, card_numbers, citizen_id, person_id, found_by FROM remembered.asked
    UNION ALL
    SELECT facility_code, episode, visit_key, card_numbers, citizen_id, NULL AS person_id, NULL AS found_by FROM remembered.came_row
"""
_TAILS = """
    CREATE OR REPLACE TEMP TABLE tied_tails AS
    SELECT DISTINCT facility_code, right(unnest(card_numbers), 10) AS tail FROM tied
"""
# Versions: the same episode; at a facility that sends lists also the same visit and the same card, for XML takes the place of a list's row.
_VERSIONS = """
    SELECT m.delivery_id, m.row_number
    FROM remembered.claim AS m
    SEMI JOIN tied AS t ON t.facility_code = m.facility_code AND t.episode = m.episode
    EXCEPT
    SELECT delivery_id, row_number FROM remembered.asked
"""
_VERSIONS_OF_LISTS = """
    SELECT m.delivery_id, m.row_number
    FROM remembered.claim AS m
    SEMI JOIN tied AS t ON t.facility_code = m.facility_code AND t.episode = m.episode
    UNION
    SELECT m.delivery_id, m.row_number
    FROM remembered.claim AS m
    SEMI JOIN tied AS t ON t.facility_code = m.facility_code AND t.visit_key = m.visit_key
    UNION
    SELECT m.delivery_id, m.row_number
    FROM (
        SELECT delivery_id, row_number, facility_code, right(unnest(card_numbers), 10) AS tail
        FROM remembered.claim
        WHERE facility_code IN (SELECT facility_code FROM remembered.listing)
    ) AS m
    SEMI JOIN tied_tails AS t ON t.facility_code = m.facility_code AND t.tail = m.tail
    EXCEPT
    SELECT delivery_id, row_number FROM remembered.asked
"""
# Persons in no register: all claims of a person that one of these was, or that shares a card or a citizen id with one of these.
_UNLISTED = """
    WITH persons AS (
        SELECT person_id FROM tied WHERE found_by = 'among_claims'
        UNION
        SELECT person_id FROM remembered.claim WHERE found_by = 'among_claims' AND citizen_id IN (SELECT citizen_id FROM tied)
        UNION
        SELECT person_id
        FROM (SELECT person_id, right(unnest(card_numbers), 10) AS tail FROM remembered.claim WHERE found_by = 'among_claims')
        WHERE tail IN (SELECT tail FROM tied_tails)
    )

    SELECT delivery_id, row_number
    FROM remembered.claim
    WHERE found_by = 'among_claims' AND person_id IN (SELECT person_id FROM persons)
    EXCEPT
    SELECT delivery_id, row_number FROM remembered.asked
"""
_LISTING = """
    CREATE OR REPLACE TABLE remembered.listing AS
    SELECT facility_code FROM remembered.claim WHERE source_form <> 'xml'
    UNION
    SELECT facility_code FROM remembered.came_row WHERE source_form <> 'xml'
"""
_ROWS = """
    SELECT m.* EXCLUDE (counted_episode, label, person_id, found_by, object_code, card_keys, signals), d.received_rank
    FROM {of} AS m
    INNER JOIN deliveries_in_use AS d ON d.delivery_id = m.delivery_id
    WHERE m.delivery_id NOT IN (SELECT delivery_id FROM remembered.gone)
"""
_LABELS = "SELECT facility_code, episode, counted_episode, delivery_id, row_number, label FROM {of}"
_AROUND = """
    CREATE OR REPLACE TEMP TABLE around AS
    SELECT person_id, month, care_type, coalesce(admitted_at, discharged_at)::DATE AS admitted_on, discharged_at::DATE AS discharged_on
    FROM {of}
    WHERE label = 'current'
"""
_AROUND_NOW = """
    INSERT INTO around
    SELECT p.person_id, c.month, c.care_type, c.admitted_on, c.discharged_on
    FROM steps.claim_current AS c
    INNER JOIN steps.claim_person AS p ON p.claim_id = c.claim_id
"""
_NEIGHBOURS = """
    WITH near AS (
        SELECT
            delivery_id,
            row_number,
            person_id,
            month,
            care_type,
            coalesce(admitted_at, discharged_at)::DATE AS admitted_on,
            discharged_at::DATE AS discharged_on
        FROM remembered.claim
        WHERE
            label = 'current'
            AND delivery_id NOT IN (SELECT delivery_id FROM remembered.gone)
            AND person_id IN (SELECT person_id FROM around)
    )

    SELECT n.delivery_id, n.row_number
    FROM near AS n
    INNER JOIN (SELECT DISTINCT person_id, month FROM around) AS a ON a.person_id = n.person_id AND a.month = n.month
    UNION
    SELECT n.delivery_id, n.row_number
    FROM near AS n
    INNER JOIN (SELECT DISTINCT person_id, admitted_on FROM around) AS a ON a.person_id = n.person_id AND a.admitted_on = n.admitted_on
    UNION
    SELECT n.delivery_id, n.row_number
    FROM near AS n
    INNER JOIN around AS a ON a.person_id = n.person_id AND a.admitted_on < n.discharged_on AND n.admitted_on < a.discharged_on
    WHERE n.care_type = 'inpatient' AND a.care_type = 'inpatient'
    EXCEPT
    SELECT delivery_id, row_number FROM remembered.near
"""
_MONTHS = """
    CREATE OR REPLACE TABLE remembered.before AS
    SELECT * FROM remembered.asked
    UNION ALL
    SELECT * FROM remembered.neighbour;

    CREATE OR REPLACE TABLE remembered.after AS
    SELECT k.*
    FROM steps.claim_known AS k
    ANTI JOIN remembered.context AS x ON x.delivery_id = k.delivery_id AND x.row_number = k.row_number;

    CREATE OR REPLACE TABLE remembered.dirty AS
    SELECT month FROM (SELECT * FROM remembered.before EXCEPT SELECT * FROM remembered.after)
    UNION
    SELECT month FROM (SELECT * FROM remembered.after EXCEPT SELECT * FROM remembered.before)
    UNION
    SELECT month FROM remembered.before WHERE delivery_id IN (SELECT delivery_id FROM remembered.gone)
    UNION
    SELECT month FROM remembered.after WHERE delivery_id IN (SELECT delivery_id FROM remembered.came)
"""
_ALL_OF_MONTH = "SELECT * FROM remembered.after WHERE month = ? ORDER BY facility_code, episode, delivery_id, row_number"
_OF_MONTH = """
    SELECT * FROM (
        SELECT m.*
        FROM remembered.claim AS m
        ANTI JOIN remembered.before AS b ON b.delivery_id = m.delivery_id AND b.row_number = m.row_number
        WHERE m.month = ?
        UNION ALL
        SELECT * FROM remembered.after WHERE month = ?
    )
    ORDER BY facility_code, episode, delivery_id, row_number
"""


@dataclass
class ClaimMemory:
    """The making of `steps.claim_known` and `steps.digest_claim_month` in the database of a build.

    `typed(table, deliveries)` gives the rows of some deliveries (None: of all in use), `need(step)` makes a step and all that it reads,
    `code` says what code the memory follows from.
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    typed: Callable[[Table, Collection[str] | None], None]
    need: Callable[[str], None]
    code: str

    def make(self, remembered: Collection[Part]) -> tuple[Part, ...]:
        """Both steps, from what the previous version knew where that is of use; returns the parts of the new memory."""
        c = self.connection
        c.execute("CREATE SCHEMA IF NOT EXISTS remembered")
        c.execute("CREATE SCHEMA IF NOT EXISTS steps")
        memory.used(c)
        if memory.usable(self.settings, remembered, self.code):
            of = {t: [p for p in remembered if p.table_name == f"remembered.{t}"] for t in memory.TABLES}
            for table, of_table in of.items():
                memory.show(c, self.settings, f"remembered.{table}", of_table)
            if memory.deliveries(c):
                return self._from_memory(of)
        return self._from_all()

    def _from_all(self) -> tuple[Part, ...]:
        c = self.connection
        self.need(KNOWN)
        c.execute(f"CREATE OR REPLACE TABLE remembered.after AS SELECT * FROM {KNOWN}")
        c.execute(f"DROP TABLE {KNOWN}")
        months = self._months("SELECT DISTINCT month FROM remembered.after ORDER BY month")
        made = [self._write(m, _ALL_OF_MONTH, [m]) for m in months]
        self._give(made, "remembered.after")
        c.execute(f"CREATE TABLE {DIGESTS} AS {memory.query(DIGESTS)}")
        self._drop()
        return self._all(made, card_memory.keep(c, self.settings, self.code))

    def _from_memory(self, of: Mapping[str, list[Part]]) -> tuple[Part, ...]:
        cards = card_memory.bring_up_to_date(self.connection, self.settings, self.typed, of, self.code)
        if not self._ask():
            self._give(of["claim"], "remembered.claim")
            self.connection.execute(f"CREATE TABLE {DIGESTS} AS SELECT * FROM remembered.claim_month")
            return self._all(of["claim"], cards)
        self._answer()
        self.connection.execute(_MONTHS)
        self.connection.execute(f"DROP TABLE {KNOWN}")
        made = self._parts(of["claim"])
        self._drop()
        return self._all(made, cards)

    def _ask(self) -> bool:
        """`remembered.asked`: versions that are found out about anew, `remembered.came_row`: those that are new; whether there are any."""
        c = self.connection
        self.typed(CLAIMS, memory.came(c, CLAIMS.name))
        c.execute(f"CREATE OR REPLACE TABLE remembered.came_row AS {memory.query('steps.claim_row')}")
        c.execute("CREATE OR REPLACE TABLE remembered.asked AS SELECT * FROM remembered.claim LIMIT 0")
        if not self._take(_SEEDS) and not self._count("remembered.came_row"):
            return False
        c.execute(_LISTING)
        c.execute(_TIED)
        lists = self._count("remembered.listing") > 0
        more = True
        while more:
            c.execute(_TAILS)
            more = self._take(_VERSIONS_OF_LISTS if lists else _VERSIONS) and lists  # those of the same episode have no other versions
            c.execute(_TAILS)
            more = self._take(_UNLISTED) or more
        return True

    def _take(self, select: str) -> bool:
        """Put the rows of the claims that are found so among those asked again; whether there are any."""
        self.connection.execute(f"CREATE OR REPLACE TABLE remembered.found AS {select}")
        found = self._count("remembered.found") > 0
        if found:
            self.connection.execute(f"INSERT INTO remembered.asked {_FOUND}")
        return found

    def _answer(self) -> None:
        """`steps.claim_known` of what came, what is asked again, its neighbours (`remembered.neighbour`) and theirs."""
        c = self.connection
        again = _ROWS.format(of="remembered.asked")
        c.execute(f"CREATE OR REPLACE TABLE steps.claim_row AS SELECT * FROM remembered.came_row UNION ALL BY NAME {again}")
        for name in ("steps.claim_version", *_WHO):
            self._step(name)
        c.execute("CREATE OR REPLACE TABLE remembered.near AS SELECT delivery_id, row_number FROM remembered.asked")
        c.execute(_AROUND.format(of="remembered.asked"))
        c.execute(_AROUND_NOW)
        for table, of in (("remembered.neighbour", None), ("remembered.context", "remembered.neighbour")):
            if of:
                c.execute(_AROUND.format(of=of))
            c.execute(f"CREATE OR REPLACE TABLE remembered.found AS {_NEIGHBOURS}")
            c.execute(f"CREATE OR REPLACE TABLE {table} AS {_FOUND}")
            c.execute("INSERT INTO remembered.near SELECT * FROM remembered.found")
            c.execute(f"INSERT INTO steps.claim_row BY NAME {_ROWS.format(of=table)}")
            c.execute(f"INSERT INTO steps.claim_version BY NAME {_LABELS.format(of=table)}")
        for name in (*_WHO, *_REST):
            self._step(name)

    def _parts(self, known: Sequence[Part]) -> list[Part]:
        """The parts of the claim months; those of which something has changed are written, and digests are taken of them."""
        c = self.connection
        dirty = self._months("SELECT month FROM remembered.dirty ORDER BY month")
        fresh = [p for m in dirty if (p := self._write(m, _OF_MONTH, [m, m])).rows]
        self._give(fresh, "remembered.after")
        c.execute(
            f"CREATE TABLE {DIGESTS} AS {memory.query(DIGESTS)}"
            if fresh
            else f"CREATE TABLE {DIGESTS} AS SELECT * FROM remembered.claim_month LIMIT 0"
        )
        c.execute(f"INSERT INTO {DIGESTS} SELECT * FROM remembered.claim_month WHERE month NOT IN (SELECT month FROM remembered.dirty)")
        gone = {parts.part_name(m) for m in dirty}
        made = sorted([*(p for p in known if p.part not in gone), *fresh], key=lambda p: p.part)
        self._give(made, "remembered.after")
        return made

    def _all(self, claims: Sequence[Part], cards: Sequence[Part]) -> tuple[Part, ...]:
        c = self.connection
        digests = c.execute(f"SELECT * FROM {DIGESTS} ORDER BY month, service_month").pl()
        used = c.execute("SELECT * FROM remembered.used ORDER BY received_rank").pl()
        return (
            *claims,
            *cards,
            memory.write(self.settings, "claim_month", parts.WHOLE, digests, self.code),
            memory.write(self.settings, "delivery", parts.WHOLE, used, self.code),
        )

    def _give(self, of_table: Sequence[Part], like: str) -> None:
        """`steps.claim_known` is what lies in these parts."""
        if of_table:
            memory.show(self.connection, self.settings, KNOWN, of_table)
        else:
            self.connection.execute(f"CREATE OR REPLACE VIEW {KNOWN} AS SELECT * FROM {like} LIMIT 0")

    def _write(self, month: date, rows: str, values: list[date]) -> Part:
        frame = self.connection.execute(rows, values).pl()
        return memory.write(self.settings, "claim", parts.part_name(month), frame, self.code)

    def _months(self, select: str) -> list[date]:
        return [m for (m,) in self.connection.execute(select).fetchall()]

    def _count(self, table: str) -> int:
        ((rows,),) = self.connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(rows)

    def _step(self, name: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {memory.query(name)}")

    def _drop(self) -> None:
        """Nothing else may read the steps of a few claims."""
        for name in _WORKING:
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")
