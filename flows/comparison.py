"""What a staged version would change: the differences between it and the published one."""

from __future__ import annotations

from rich.console import Console

from flows.history import print_differences
from flows.summary import screen
from warehouse import manifests, publish, staged
from warehouse.backfill import Place, Plan
from warehouse.differences import Differences, between
from warehouse.settings import Settings
from warehouse.snapshots import Snapshot


def compared(settings: Settings, made: Plan) -> Differences | None:
    """The published version against the staged one; None when nothing is staged, or nothing is published to compare it with."""
    place = Place(settings, made.plan_id)
    live = publish.current(settings)
    if not place.version.exists() or live is None:
        return None
    area = staged.settings_of(settings, place.area)  # it sees the parts of both
    old = Snapshot("live", manifests.of_version(live), live)
    return between(area, old, Snapshot(f"plan {made.plan_id}", manifests.of_version(place.version), place.version))


def print_comparison(settings: Settings, made: Plan, console: Console | None = None) -> None:
    """What would change, for a terminal. No personal values."""
    told = console or screen()
    found = compared(settings, made)
    if found is not None:
        print_differences(found, told)
    elif Place(settings, made.plan_id).version.exists():
        told.print("Nothing is published yet: everything is new.")
    else:
        told.print(f"Plan {made.plan_id} has no staged version; run it first.")
