"""The commands about persons: `bhyt review`, `bhyt explain-person`, `bhyt persons`. Libraries are imported where they are used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from flows import environment

if TYPE_CHECKING:
    pass


review = App(name="review", help="Pairs of cards that may be one person and wait for a person to decide.")
persons = App(name="persons", help="The person index: link all cards anew, check it, train its model.")


@review.default
def waiting(*, most: int = 20, show_names: bool = False) -> int:
    """List the pairs that wait, worst value first.

    Parameters
    ----------
    most
        How many.
    show_names
        Also show what the cards say about their holders. Personal: for a screen that only the reviewer sees.
    """
    from flows.person_review import print_queue

    return print_queue(environment.settings(), most, show_names)


@review.command
def decide(pair: str, decision: Literal["same", "different"], *, by: str, why: str) -> int:
    """Decide whether the cards of a pair are the same person's; kept for good, followed by every later night.

    Parameters
    ----------
    pair
        Its id, or the first four characters or more.
    by
        Who decides.
    why
        What it rests on.
    """
    from flows.person_review import decide

    return decide(environment.settings(), pair, decision, by, why)


@review.command
def undo(pair: str, *, by: str, why: str) -> int:
    """Take a decision back; the model decides again.

    Parameters
    ----------
    pair
        Its id.
    by
        Who takes it back.
    why
        The reason.
    """
    from flows.person_review import decide

    return decide(environment.settings(), pair, "undo", by, why)


@review.command
def export(file: Path, *, anywhere: bool = False, show_names: bool = False) -> int:
    """Write the queue as CSV or XLSX, to be filled in and imported.

    Parameters
    ----------
    file
        Below the restricted area; its ending says the format.
    anywhere
        Allow another place; then without names and numbers of people.
    show_names
        With --anywhere: with them after all.
    """
    from flows.person_review import export

    return export(environment.settings(), file, anywhere, show_names)


@review.command(name="import")
def take(file: Path, *, by: str = "", anywhere: bool = False) -> int:
    """Take the decisions of a filled-in file, all or none.

    Parameters
    ----------
    file
        As `bhyt review export` wrote it, with decision, decided_by and why filled in.
    by
        Who decided, where the file does not say.
    anywhere
        Allow a file outside the restricted area.
    """
    from flows.person_review import take

    return take(environment.settings(), file, by, anywhere)


def explain_person(person: str, *, svg: Annotated[Path | None, Parameter(help="also draw it")] = None, show_names: bool = False) -> int:
    """Why these cards are one person, weight by weight, and why those that come near are not.

    Parameters
    ----------
    person
        A person's id (also one that retired), or a card number.
    show_names
        Also show what the cards say about their holder. Personal.
    """
    from flows.explain_person import explain

    return explain(environment.settings(), person, svg, show_names)


@persons.command
def train(*, out: Path | None = None, version: str = "trained") -> int:
    """Learn a model from the registers in use and show it against the one that nights use, which stays.

    Parameters
    ----------
    out
        Also write it as a model file.
    version
        What it shall be called.
    """
    from flows.train_persons import show

    return show(environment.settings(), out, version)
