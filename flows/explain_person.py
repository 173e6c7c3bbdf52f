"""`bhyt explain-person`: why cards are one person, weight by weight, and why those that come near are not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from flows.linking import DECISIONS, EVENTS, model_of
from flows.person_picture import person_svg
from flows.summary import screen
from transforms.persons.review import in_force
from transforms.persons.story import BELOW, GUARDED, TOLD_APART, TOLD_SAME, Step, Story, Tie, story
from transforms.persons.words import odds
from warehouse import card_persons, person_review
from warehouse.ledger import Ledger
from warehouse.settings import Settings
from warehouse.storage import replacing

USAGE = 2
BAR = 44  # characters
NEAR_SHOWN = 10
WHY_NOT = {
    BELOW: "does not reach the threshold of {merge:.1f} bits",
    GUARDED: "weighs enough, but both together would hold what no person can: two verified CCCDs, two sexes and two birth years, "
    "or a card that began after a death",
    TOLD_APART: "a person told them apart",
}


def explain(settings: Settings, asked: str, svg: Path | None, show_names: bool) -> int:
    """Print the story of a person, and draw it. Returns the exit status."""
    index, pairs = card_persons.read(settings.card_persons_file), card_persons.read_pairs(settings)
    report = card_persons.read_report(settings)
    errors = Console(stderr=True)
    if index is None or pairs is None or report is None:
        errors.print("bhyt explain-person: no night has linked cards yet; run `bhyt nightly`", markup=False)
        return USAGE
    ledger = Ledger(settings.ledger_dir)
    journal = ledger.book(EVENTS)
    person_id = find(asked, index, journal)
    if person_id is None:
        errors.print("bhyt explain-person: no person and no card of the registers in use has this id or number", markup=False)
        return USAGE
    model = model_of(settings)
    told = story(person_id, index, pairs, in_force(ledger.book(DECISIONS)), model)
    console = screen()
    if person_id != asked and asked.startswith("P") and asked not in index["card_number"]:
        console.print(f"{asked} is {person_id} now.", highlight=False)
    _print_cards(console, settings, ledger, index, told, show_names)
    for tie in told.ties:
        _print_tie(console, told, tie)
    _print_near(console, told, model.merge_bits)
    _print_history(console, journal, told)
    if svg is not None:
        with replacing(svg) as temporary:
            temporary.write_text(person_svg(told, model.merge_bits), encoding="utf-8")
        console.print(f"Drawn: {svg}", markup=False, highlight=False)
    return 0


def find(asked: str, index: pl.DataFrame, journal: pl.DataFrame) -> str | None:
    """The person who holds this id or card number today, also through ids that retired."""
    numbers = index.filter((pl.col("card_number") == asked) | (pl.col("person_id") == asked))
    if not numbers.is_empty():
        return str(numbers["person_id"][0])
    heirs = dict(journal.filter(pl.col("event") == "merged").select("other_person_id", "person_id").iter_rows())
    seen = set()
    while asked in heirs and asked not in seen:
        seen.add(asked)
        asked = heirs[asked]
    return asked if seen and not index.filter(pl.col("person_id") == asked).is_empty() else None


def name_of(told: Story, card: str) -> str:
    """A card of the person by its place, so that no number is shown; of another person by that one's id."""
    return f"card {told.cards.index(card) + 1}" if card in told.cards else "a card"


def _print_cards(console: Console, settings: Settings, ledger: Ledger, index: pl.DataFrame, told: Story, show_names: bool) -> None:
    mine = index.filter(pl.col("card_key").is_in(told.cards))
    since = min(mine["person_since"].to_list())
    plural = "s" if len(told.cards) != 1 else ""
    console.print(f"[bold]Person {told.person_id}[/bold]: {len(told.cards)} card{plural}, an id since run {since}", highlight=False)
    if not show_names:
        return
    said = person_review.details(settings, ledger.deliveries(), index, pl.Series("card_key", told.cards))
    grid = Grid("", "card", "since run", *(c.replace("_", " ") for c in person_review.SHOWN), title="Personal", title_justify="left")
    runs = dict(mine.group_by("card_key").agg(pl.col("card_since").min()).iter_rows())
    for r in said.sort("card_key").iter_rows(named=True):
        words = (str(r[c]) if r[c] is not None else "" for c in person_review.SHOWN)
        grid.add_row(name_of(told, r["card_key"]), r["card_key"], str(runs[r["card_key"]]), *words)
    console.print(grid)


def _print_tie(console: Console, told: Story, tie: Tie) -> None:
    head = f"{name_of(told, tie.card)} and {name_of(told, tie.other_card)} are one person (pair {tie.pair}): "
    if tie.kind == TOLD_SAME or tie.weight is None:
        console.print(head + tie.by_hand, markup=False, highlight=False)
        return
    console.print(
        f"{head}{tie.weight:.1f} bits, {odds(tie.weight)}" + (f"; {tie.by_hand}" if tie.by_hand else ""), markup=False, highlight=False
    )
    console.print(_waterfall(tie.steps, tie.weight))


def _waterfall(steps: tuple[Step, ...], total: float) -> Grid:
    """Each bar begins where the one above ended; the last reaches from nothing to the whole weight."""
    grid = Grid(box=None, pad_edge=True, header_style="dim")
    grid.add_column("evidence")
    grid.add_column("what it says")
    grid.add_column("bits", justify="right")
    grid.add_column("against ◂ ▸ for", no_wrap=True)
    reached, ends = 0.0, [0.0, total]
    for step in steps:
        reached += step.bits
        ends.append(reached)
    low, high = min(ends), max(ends)
    scale = (BAR - 1) / max(high - low, 1e-9)
    reached = 0.0
    for step in steps:
        start, reached = reached, reached + step.bits
        grid.add_row(step.field, step.words, f"{step.bits:+.1f}", _bar(start, reached, low, scale))
    grid.add_row("together", odds(total), f"{total:+.1f}", _bar(0.0, total, low, scale), style="bold")
    return grid


def _bar(start: float, end: float, low: float, scale: float) -> str:
    left, right = sorted((round((start - low) * scale), round((end - low) * scale)))
    colour = "green" if end >= start else "red"
    return " " * left + f"[{colour}]{'█' * max(right - left, 1)}[/{colour}]"


def _print_near(console: Console, told: Story, merge_bits: float) -> None:
    if not told.near:
        console.print("No other card comes near.")
        return
    console.print("[bold]Near, but not this person[/bold]")
    for tie in told.near[:NEAR_SHOWN]:
        own, other = (tie.card, tie.other_person) if tie.card in told.cards else (tie.other_card, tie.other_person)
        console.print(
            f"{name_of(told, own)} and a card of {other} (pair {tie.pair}): {tie.weight:+.1f} bits; "
            + WHY_NOT[tie.kind].format(merge=merge_bits)
            + (f"; {tie.by_hand}" if tie.by_hand else ""),
            markup=False, highlight=False,
        )  # fmt: skip
        against = sorted((s for s in tie.steps if s.bits < 0 and s.words), key=lambda s: s.bits)
        if against:
            console.print(
                "   against it: " + "; ".join(f"{s.field}: {s.words} ({s.bits:+.1f})" for s in against), markup=False, highlight=False
            )
    if len(told.near) > NEAR_SHOWN:
        console.print(f"and {len(told.near) - NEAR_SHOWN} more")


def _print_history(console: Console, journal: pl.DataFrame, told: Story) -> None:
    rows = journal.filter((pl.col("person_id") == told.person_id) | (pl.col("other_person_id") == told.person_id))
    if rows.is_empty():
        return
    grid = Grid("run", "event", "person", "other", "bits", "reason", title="What happened", title_justify="left")
    for r in rows.iter_rows(named=True):
        weight = "" if r["weight"] is None else f"{r['weight']:+.1f}"
        grid.add_row(r["run_id"].split("-")[0].lstrip("0"), r["event"], r["person_id"], r["other_person_id"] or "", weight, r["reason"])
    console.print(grid)
