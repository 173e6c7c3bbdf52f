"""`bhyt review`: pairs of cards that wait for a person, and what people decide about them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from flows.linking import DECISIONS
from flows.summary import grouped, screen
from transforms.persons.compare import FIELDS
from transforms.persons.evidence import MISSING
from transforms.persons.review import UNDO, in_force, latest, queue, with_pair_ids
from warehouse import card_persons, person_review, publish
from warehouse.ledger import Ledger
from warehouse.lock import AlreadyRunning, one_at_a_time
from warehouse.settings import Settings

FAILED, USAGE = 1, 2
FEWEST_CHARACTERS = 4  # of a pair's id that may stand for it


class NoSuchPair(Exception):
    """No pair, or several, have this id; the message says which."""


def waiting(settings: Settings) -> pl.DataFrame | None:
    """The queue with `pair` in front (`transforms.persons.review.queue`); None when no night has linked cards yet."""
    index, pairs = card_persons.read(settings.card_persons_file), card_persons.read_pairs(settings)
    report = card_persons.read_report(settings)
    if index is None or pairs is None or report is None:
        return None
    ledger = Ledger(settings.ledger_dir)
    decided = in_force(ledger.book(DECISIONS))
    persons = index.select("card_key", "person_id").unique()
    person = persons.rename({"person_id": "person"})
    pairs = (
        pairs.join(person, left_on="card_key_a", right_on="card_key")
        .join(person, left_on="card_key_b", right_on="card_key", suffix="_b")
        .filter(pl.col("person") != pl.col("person_b"))
        .drop("person", "person_b")
    )
    keys = pl.concat([pairs["card_key_a"], pairs["card_key_b"].rename("card_key_a")]).unique()
    deliveries = ledger.deliveries()
    worth = person_review.details(settings, deliveries, index, keys).select("card_key", "is_active")
    worth = worth.join(person_review.money(settings, deliveries, index, keys), on="card_key", how="left")
    return with_pair_ids(queue(pairs, persons, decided, worth, report["merge_bits"]))


def with_people(settings: Settings, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with what the latest row of either card says about its holder, side by side."""
    index = card_persons.read(settings.card_persons_file)
    assert index is not None  # there are pairs, so there is an index
    keys = pl.concat([rows["card_key_a"], rows["card_key_b"].rename("card_key_a")]).unique()
    said = person_review.details(settings, Ledger(settings.ledger_dir).deliveries(), index, keys)
    for side in ("a", "b"):
        of_side = said.select(pl.col("card_key").alias(f"card_key_{side}"), pl.col(person_review.SHOWN).name.suffix(f"_{side}"))
        rows = rows.join(of_side, on=f"card_key_{side}", how="left", maintain_order="left")
    return rows


def print_queue(settings: Settings, most: int, show_names: bool) -> int:
    """Print the queue, worst value first. Returns the exit status."""
    rows = waiting(settings)
    if rows is None:
        return _say("no night has linked cards yet; run `bhyt nightly`")
    console = screen()
    shown = rows.head(most)
    grid = Grid(
        "pair",
        "bits",
        "in use",
        "fund paid (đ)",
        *FIELDS,
        title=f"Pairs that wait for a person: {grouped(rows.height)}",
        title_justify="left",
    )
    for r in shown.iter_rows(named=True):
        weight = f"{r['weight']:+.1f}" + (" refused" if r["refused"] else "")
        levels = ("" if r[f] == MISSING else str(r[f]).replace("_", " ") for f in FIELDS)
        grid.add_row(r["pair"], weight, "both" if r["both_active"] else "", grouped(r["fund_paid"]) if r["fund_paid"] else "", *levels)
    if rows.height > most:
        grid.caption = f"and {grouped(rows.height - most)} more; --most N shows more, `bhyt review export FILE` writes all"
    console.print(grid)
    if show_names:
        _print_people(console, with_people(settings, shown))
    console.print('Decide with: bhyt review decide PAIR same|different --by NAME --why "…"', markup=False, highlight=False)
    return 0


def _print_people(console: Console, rows: pl.DataFrame) -> None:
    grid = Grid("pair", "card", *(c.replace("_", " ") for c in person_review.SHOWN), title="Who they are (personal)", title_justify="left")
    for r in rows.iter_rows(named=True):
        for side in ("a", "b"):
            words = (str(r[f"{c}_{side}"] if r[f"{c}_{side}"] is not None else "") for c in person_review.SHOWN)
            grid.add_row(r["pair"] if side == "a" else "", r[f"card_key_{side}"], *words, end_section=side == "b")
    console.print(grid)


def decide(settings: Settings, pair: str, decision: str, by: str, why: str) -> int:
    """Keep what a person decided about a pair. Returns the exit status."""
    if not by.strip() or not why.strip():
        return _say("a decision needs --by NAME and --why TEXT: an auditor will ask", USAGE)
    try:
        found = _find(settings, pair)
    except NoSuchPair as error:
        return _say(str(error), USAGE)
    if decision == UNDO and _standing(settings).filter(pl.col("pair") == found["pair"][0]).is_empty():
        return _say(f"nothing is decided about pair {found['pair'][0]}; nothing to undo")
    rows = found.with_columns(decision=pl.lit(decision), decided_by=pl.lit(by.strip()), why=pl.lit(why.strip()))
    return _keep(settings, rows)


def export(settings: Settings, path: Path, anywhere: bool, show_names: bool) -> int:
    """Write the whole queue for people without a terminal. Returns the exit status."""
    rows = waiting(settings)
    if rows is None:
        return _say("no night has linked cards yet; run `bhyt nightly`")
    try:
        person_review.check_place(settings, path, anywhere)
        named = with_people(settings, rows) if show_names or not anywhere else rows.drop("card_key_a", "card_key_b")
        answers = [pl.lit("").alias(c) for c in ("decision", "decided_by", "why")]
        levels = [pl.col(f).cast(pl.String) for f in FIELDS]
        person_review.write_file(path, named.with_columns(*levels).select("pair", *answers, pl.exclude("pair")))
    except (person_review.NotARestrictedPlace, person_review.UnusableFile) as error:
        return _say(str(error), USAGE)
    Console().print(
        f"Wrote {grouped(rows.height)} pairs to {path}. Fill in decision (same, different, undo), decided_by and why;"
        f" then `bhyt review import {path}`.",
        markup=False, highlight=False,
    )  # fmt: skip
    return 0


def take(settings: Settings, path: Path, by: str, anywhere: bool) -> int:
    """Keep the decisions of a filled-in file, all or none. Returns the exit status."""
    try:
        person_review.check_place(settings, path, anywhere)
        rows = person_review.read_file(path)
        rows = rows.with_columns(decided_by=pl.when(pl.col("decided_by") == "").then(pl.lit(by)).otherwise("decided_by"))
        nobody = rows.filter(pl.col("decided_by") == "")
        if nobody.height:
            return _say(f"{path.name}, row {nobody['row'][0]}: decided_by is empty; fill it in or say --by NAME. Nothing was taken", USAGE)
        known = _known(settings)
        unknown = rows.join(known, on="pair", how="anti")
        if unknown.height:
            listed = ", ".join(map(str, unknown["row"].head(10).to_list()))
            return _say(f"{path.name}, rows {listed}: no such pair; export the queue anew. Nothing was taken", USAGE)
    except (person_review.NotARestrictedPlace, person_review.UnusableFile) as error:
        return _say(str(error), USAGE)
    if rows.is_empty():
        Console().print(f"{path} has no decision in it.", markup=False)
        return 0
    return _keep(settings, rows.join(known, on="pair"))


def _known(settings: Settings) -> pl.DataFrame:
    """`pair`, `card_key_a`, `card_key_b`: pairs that the last linkage told of, and those that people decided."""
    pairs = card_persons.read_pairs(settings)
    keys = (
        pl.DataFrame(schema={"card_key_a": pl.String, "card_key_b": pl.String})
        if pairs is None
        else pairs.select("card_key_a", "card_key_b")
    )
    decided = Ledger(settings.ledger_dir).book(DECISIONS).select("card_key_a", "card_key_b")
    return with_pair_ids(pl.concat([keys, decided]).unique().sort("card_key_a", "card_key_b"))


def _standing(settings: Settings) -> pl.DataFrame:
    return latest(Ledger(settings.ledger_dir).book(DECISIONS)).filter(pl.col("decision") != UNDO)


def _find(settings: Settings, pair: str) -> pl.DataFrame:
    """The one pair whose id begins with `pair`. Raises NoSuchPair."""
    text = pair.strip().lower()
    if len(text) < FEWEST_CHARACTERS:
        raise NoSuchPair(f"a pair's id has 12 characters; its first {FEWEST_CHARACTERS} or more will do")
    found = _known(settings).filter(pl.col("pair").str.starts_with(text))
    if found.height != 1:
        raise NoSuchPair(f"{'no pair has' if found.is_empty() else 'several pairs have'} an id that begins with {text}; see `bhyt review`")
    return found


def _keep(settings: Settings, rows: pl.DataFrame) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    ledger = Ledger(settings.ledger_dir)
    try:
        with one_at_a_time(settings.lock_file):
            run_id = ledger.next_run_id(now, (v.name for v in publish.versions(settings)))
            ledger.write(run_id, DECISIONS, rows.with_columns(decided_at=pl.lit(now, pl.Datetime("us"))))
    except AlreadyRunning as running:
        return _say(str(running))
    counts = ", ".join(f"{n} {d}" for d, n in rows.group_by("decision").len().sort("decision").iter_rows())
    Console().print(f"Kept: {counts}. The next `bhyt nightly` follows.", highlight=False)
    return 0


def _say(message: str, status: int = FAILED) -> int:
    Console(stderr=True).print(f"bhyt review: {message}", markup=False, highlight=False)
    return status
