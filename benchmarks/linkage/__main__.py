"""Ours and the peers side by side.

    python -m benchmarks.linkage 1m [5m-dense 10m 25m night public | all] [--errors test] [--seed 2] [--rounds 5]
                                 [--date 2026-11-23 --machine "2 cores, 24 GB"]

Prints a table. With --date the figures go into docs/performance-linkage.json, beside those of sets measured before, and are drawn into
docs/performance-linkage.svg. The cards are made with the errors of the model `test` unless said: nothing was tuned on those.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

from benchmarks.linkage import picture, public, run
from benchmarks.linkage.errors import MODELS

DOCS = run.ROOT / "docs"
ALL = ("1m", "5m-dense", "10m", "25m", "night", "public")
OTHERS = (*run.STANDING, "public")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["1m"], help=f"of {', '.join((*run.SETS, *OTHERS, 'all'))}")
    parser.add_argument("--errors", choices=sorted(MODELS), default="test")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--rounds", type=int, help="runs of each engine; the median counts")
    parser.add_argument("--folder", type=Path, help="where the data are made and left; a temporary one unless said")
    parser.add_argument("--date", help="the day of measuring; figures are then written into docs/")
    parser.add_argument("--machine", default=f"{platform.machine()}, {platform.system()}")
    asked = parser.parse_args()
    wanted = list(dict.fromkeys(ALL if "all" in asked.sets else asked.sets))
    unknown = [name for name in wanted if name not in (*run.SETS, *OTHERS)]
    if unknown:
        parser.error(f"no set is called {', '.join(unknown)}; there are {', '.join((*run.SETS, *OTHERS, 'all'))}")
    for name in wanted:
        if name == "public":
            figures = public.measured()
            print(public.table(figures), flush=True)
            _keep(asked.date, asked.machine, "public", figures)
        elif name in run.STANDING:
            night = run.nights(run.STANDING[name], asked.seed, asked.errors, asked.rounds or 3)
            steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in night["steps"].items())
            print(
                f"{name} of 20,000 cards on {night['standing']:,}: {night['seconds']:.2f} s ({steps}), {night['peak_mb']:,.0f} MB",
                flush=True,
            )
            _keep(asked.date, asked.machine, name, night)
        else:
            keep = asked.folder / f"{name}-{asked.errors}" if asked.folder else None
            of = run.compared(name, asked.seed, asked.errors, asked.rounds, keep)
            print(run.table(name, of), flush=True)
            _keep(asked.date, asked.machine, f"{name}, errors {asked.errors}", of)


def _keep(date: str | None, machine: str, name: str, figures: dict[str, Any]) -> None:
    """Puts the figures of one set into docs/, where a day was given."""
    if date is None:
        return
    path = DOCS / "performance-linkage.json"
    measured = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"sets": {}}
    measured |= {"machine": machine, "date": date}
    if name in OTHERS:
        measured[name] = figures
    else:
        measured["sets"][name] = figures
    path.write_text(json.dumps(_rounded(measured), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if measured["sets"]:
        picture.draw(measured, path.with_suffix(".svg"))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(of) for key, of in value.items()}
    if isinstance(value, list):
        return [_rounded(of) for of in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
