"""Persons over several nights, on registers of a few cards: ids, the journal, decisions of people, and what the commands say."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.exports.cards import CARDS
from flows.linking import EVENTS, link_persons
from flows.persons_page import page_of
from tests.nights import Place
from tests.spec.test_persons import CARD, HERS, HERS_TOO, ONE, OTHER, THIRD
from transforms.persons.events import replay
from transforms.persons.review import pair_id
from warehouse import card_persons
from warehouse.ledger import Entry, Ledger
from warehouse.settings import Settings
from warehouse.storage import restricted_directory

MAY = {"full_name": "Lê Thị Mai", "birth_date": date(1991, 4, 5), "citizen_id": None, "commune_code": "26734", "province_code": "79"}
AUGUST, SEPTEMBER = date(2025, 8, 1), date(2025, 9, 1)
FAR = {"province_code": "79", "commune_code": "26734"}
# The same social insurance number, but two verified CCCDs: the guard keeps them apart, and a person should look.
AGAIN = "GD" + ONE[2:]
REFUSED = ({"card_number": ONE, "citizen_id": HERS}, {"card_number": AGAIN, "citizen_id": HERS_TOO})


class Nights:
    """A work area whose registers are written by hand; `link` is what a night does with persons."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root)
        self.settings = Settings(home=self.place.home, landing=self.place.landing)
        self.ledger = Ledger(self.settings.ledger_dir)
        self.nights = 0

    def deliver(self, name: str, period: date, *rows: dict[str, Any], province: str = "01") -> None:
        """A register of that month; a second one of the same province and month supersedes the first."""
        folder = restricted_directory(self.settings.rows_dir("loaded", "cards"))
        frame = pl.DataFrame([{**CARD, "delivery_id": name, "row_number": i, **r} for i, r in enumerate(rows, 2)])
        schema = {n: CARDS.field_named(n).kind.polars for n in card_persons.LINKED}
        frame.drop("period", "received_rank").select(
            pl.col(n).cast(t) if n in frame.columns else pl.lit(None, t).alias(n) for n, t in schema.items()
        ).write_parquet(folder / f"{name}.parquet")
        entry = Entry(
            name,
            "cards",
            f"{name}.csv",
            f"{name}.csv",
            name,
            province,
            period,
            datetime(2025, 9, 1),
            self.nights,
            0,
            "loaded",
            records_loaded=len(rows),
            pack=name,
        )
        self.ledger.write(self.run(), "deliveries", [entry])

    def run(self) -> str:
        return self.ledger.next_run_id(datetime(2025, 9, 1))

    def link(self) -> dict[str, Any]:
        self.nights += 1
        told = link_persons(self.settings, self.ledger, self.run())
        assert told is not None
        return dict(told)

    @property
    def index(self) -> pl.DataFrame:
        found = card_persons.read(self.settings.card_persons_file)
        assert found is not None
        return found

    @property
    def person(self) -> dict[str, str]:
        return dict(self.index.select("card_number", "person_id").iter_rows())

    def events(self) -> list[tuple[Any, ...]]:
        return self.ledger.book(EVENTS).select("event", "person_id", "other_person_id", "card_number").rows()


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Also of a few cards only those that changed are linked, as in large registers."""
    monkeypatch.setattr("flows.linking.FEW_CARDS", 0)
    tmp_path.joinpath("landing").mkdir()
    return Nights(tmp_path)


def test_the_first_index_is_its_own_journal(nights: Nights) -> None:
    nights.deliver("one", AUGUST, {"card_number": ONE}, {"card_number": OTHER, **MAY})
    told = nights.link()
    assert told["way"] == "whole"
    assert "all cards: there is no standing index yet" in page_of(told)
    assert nights.events() == []
    assert set(nights.index["person_since"]) == set(nights.index["card_since"]) == {2}


def test_a_night_links_what_changed_and_leaves_the_others_alone(nights: Nights) -> None:
    others = [{"card_number": f"XX40150{i:08}", **MAY, "full_name": f"Lê Thị Mai {chr(97 + i) * 4}"} for i in range(12)]
    nights.deliver("one", AUGUST, {"card_number": OTHER}, *others)
    nights.link()
    before = nights.person
    nights.deliver("two", SEPTEMBER, {"card_number": OTHER}, {"card_number": ONE}, *others)
    told = nights.link()
    assert told["way"] == "increment", told["because"]
    assert told["cards_changed"] == 1
    assert "only what changed" in page_of(told)
    assert nights.person == before | {ONE: before[OTHER]}
    assert nights.events() == [("card_added", before[OTHER], None, ONE)]
    told_why = nights.ledger.book(EVENTS).row(0, named=True)
    assert told_why["reason"].startswith("name same, birth same")
    assert told_why["weight"] > 3


def test_an_unchanged_register_changes_nothing(nights: Nights) -> None:
    nights.deliver("one", AUGUST, {"card_number": ONE}, {"card_number": OTHER, **MAY})
    nights.link()
    before = nights.index
    nights.deliver("two", SEPTEMBER, {"card_number": ONE}, {"card_number": OTHER, **MAY})
    assert nights.link()["cards_changed"] == 0
    assert nights.index.equals(before)
    assert nights.events() == []


def test_decisions_are_followed_undone_and_journalled(nights: Nights) -> None:
    nights.deliver("one", AUGUST, {"card_number": ONE, "citizen_id": HERS}, {"card_number": OTHER, "citizen_id": HERS_TOO, **FAR})
    nights.link()
    apart = nights.person
    assert apart[ONE] != apart[OTHER]
    index_alone = nights.index
    # The model does not even list this pair; a decision takes pairs from the list, so write it into the book as an import would.
    row = {"pair": pair_id(ONE, OTHER), "card_key_a": ONE, "card_key_b": OTHER, "decided_by": "Hoa", "decided_at": datetime(2025, 9, 2)}
    nights.ledger.write(nights.run(), "person_decisions", [{**row, "decision": "same", "why": "seen"}])
    nights.link()
    assert len(set(nights.person.values())) == 1
    kinds = [e[0] for e in nights.events()]
    assert kinds == ["decided", "merged", "card_added"]
    assert nights.place.here("review", "undo", row["pair"][:6], "--by", "Hoa", "--why", "a slip").returncode == 0
    nights.link()
    assert len(set(nights.person.values())) == 2
    assert replay(index_alone, nights.ledger.book(EVENTS)) == nights.person
    merged_away = next(e[2] for e in nights.events() if e[0] == "merged")
    assert merged_away not in nights.person.values()  # a retired id is not given to anybody again


def test_a_person_asks_for_all_cards_to_be_linked(nights: Nights) -> None:
    nights.deliver("one", AUGUST, {"card_number": ONE}, {"card_number": OTHER})
    nights.link()
    before = nights.index
    nights.settings.relink_file.touch()
    told = nights.link()
    assert (told["way"], told["because"]) == ("whole", "a person asked for it")
    assert nights.index.equals(before)
    assert not nights.settings.relink_file.exists()


def test_the_events_of_a_killed_night_count_for_nothing(nights: Nights) -> None:
    nights.deliver("one", AUGUST, {"card_number": OTHER}, {"card_number": THIRD, **MAY})
    nights.link()
    nights.deliver("two", SEPTEMBER, {"card_number": OTHER}, {"card_number": THIRD, **MAY}, {"card_number": ONE})
    index = nights.settings.card_persons_file.read_bytes()
    nights.link()
    nights.settings.card_persons_file.write_bytes(index)  # as if it had been killed before the index was in place
    nights.link()
    assert len(nights.events()) == 1


def test_the_queue_names_nobody_unless_asked(nights: Nights) -> None:
    nights.deliver("one", AUGUST, *REFUSED)
    nights.link()
    listed = nights.place.here("review")
    pair = pair_id(ONE, AGAIN)
    assert pair in listed.stdout
    assert "Lan" not in listed.stdout
    assert ONE not in listed.stdout
    assert "Nguyễn Thị Lan" in nights.place.here("review", "--show-names").stdout


def test_a_file_of_decisions_comes_back_whole_or_not_at_all(nights: Nights, tmp_path: Path) -> None:
    nights.deliver("one", AUGUST, *REFUSED)
    nights.link()
    outside = nights.place.here("review", "export", str(tmp_path / "queue.csv"))
    assert outside.returncode == 2
    assert "restricted area" in outside.stderr
    for ending in ("csv", "xlsx"):
        file = nights.settings.restricted_dir / f"queue.{ending}"
        assert nights.place.here("review", "export", str(file)).returncode == 0
        assert file.stat().st_mode & 0o777 == 0o600
    rows = pl.read_csv(file.with_suffix(".csv"), infer_schema=False)
    rows.with_columns(decision=pl.lit("perhaps"), why=pl.lit("?")).write_csv(file.with_suffix(".csv"))
    refused = nights.place.here("review", "import", str(file.with_suffix(".csv")), "--by", "Hoa")
    assert refused.returncode == 2
    assert "rows 2" in refused.stderr
    rows.with_columns(decision=pl.lit("same"), why=pl.lit("papers seen")).write_csv(file.with_suffix(".csv"), separator=";")
    assert nights.place.here("review", "import", str(file.with_suffix(".csv")), "--by", "Hoa").returncode == 0
    nights.link()
    assert len(set(nights.person.values())) == 1
    assert "0" in nights.place.here("review").stdout


def test_an_explanation_adds_up_and_names_nobody(nights: Nights, tmp_path: Path) -> None:
    nights.deliver("one", AUGUST, *REFUSED, {"card_number": OTHER, "citizen_id": HERS})
    nights.link()
    told = nights.place.here("explain-person", ONE, "--svg", str(tmp_path / "person.svg"))
    assert told.returncode == 0
    assert "the same CCCD" in told.stdout
    assert "Near, but not this person" in told.stdout
    assert "Lan" not in told.stdout
    assert ONE not in told.stdout
    assert "the same CCCD" in (tmp_path / "person.svg").read_text(encoding="utf-8")
    assert nights.place.here("explain-person", "nobody").returncode == 2
