"""What was measured: kept in `docs/performance.json`, shown as `docs/performance.md` and `docs/performance.svg`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
STORE = DOCS / "performance.json"


@dataclass(frozen=True)
class Row:
    """One figure. `limit` is the figure to reach (None: nothing to reach), `at_least` its direction; `peer` what it stands beside."""

    entry: str
    what: str
    figure: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    peer: str = ""
    peer_figure: float | None = None
    peak_mib: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.limit is None:
            return None
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def keep(entry: str, rows: Sequence[Row]) -> None:
    """Replace an entry's figures, and make the page anew."""
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    stored[entry] = {"measured": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "rows": [asdict(r) for r in rows]}
    STORE.write_text(json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page(stored)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ", ".join(f"{n} {version(n)}" for n in ("polars", "duckdb", "lxml", "great_expectations", "prefect"))
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}; {names}"


def shown(value: float | None, unit: str = "") -> str:
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{' ' + unit if unit else ''}"


def table(rows: Sequence[Row]) -> str:
    lines = ["| what | measured | to reach | reached | peer, same run | peak memory | |", "|---|---:|---:|---|---:|---:|---|"]
    for r in rows:
        reach = "" if r.limit is None else f"{'≥' if r.at_least else '≤'} {shown(r.limit, r.unit)}"
        peer = f"{r.peer}: {shown(r.peer_figure, r.unit)}" if r.peer_figure is not None else r.peer
        peak = f"{r.peak_mib:,.0f} MiB" if r.peak_mib else ""
        mark = {None: "", True: "yes", False: "**no**"}[r.reached]
        lines.append(f"| {r.what} | **{shown(r.figure, r.unit)}** | {reach} | {mark} | {peer} | {peak} | {r.note} |")
    return "\n".join(lines)


def page(stored: dict[str, dict[str, object]]) -> None:
    """Write docs/performance.md and docs/performance.svg from what is kept."""
    from benchmarks.bounds import BOUNDS
    from benchmarks.entries import ENTRIES

    parts = [
        "# Performance\n",
        "Made by `make bench` (or `python -m benchmarks NAME …` for single entries); do not edit. Medians of three runs unless said"
        " otherwise, each in a process of its own; peers run in the same minutes on the same machine. Peak memory is `ru_maxrss`.\n",
    ]
    parts.append("![Each figure as a share of what it is to reach](performance.svg)\n" if stored else "Nothing has been measured yet.\n")
    everything: list[Row] = []
    for name, entry in ENTRIES.items():
        kept = stored.get(name)
        if not kept:
            continue
        rows = [Row(**r) for r in kept["rows"]]  # type: ignore[attr-defined]
        everything += rows
        about = (entry.__doc__ or "").strip().splitlines()[0]
        said = [f"## {name}", about, table(rows), BOUNDS.get(name, ""), f"{kept['measured']}; {kept['machine']}"]
        parts.append("\n\n".join(x for x in said if x) + "\n")
    (DOCS / "performance.md").write_text("\n".join(parts), encoding="utf-8")
    picture(everything)


def picture(rows: Sequence[Row]) -> None:
    """How far each figure is from its limit: 100 % is just reached, less is better."""
    import altair as alt
    import vl_convert

    data = [
        {
            "what": f"{r.entry}: {r.what}",
            "share": round(100 * (r.limit / r.figure if r.at_least else r.figure / r.limit), 1),
            "reached": r.reached,
        }
        for r in rows
        if r.limit and r.figure
    ]
    if not data:
        return
    base = alt.Chart(alt.Data(values=data)).encode(y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=420)))
    bars = base.mark_bar(height=11).encode(
        x=alt.X("share:Q", title="percent of the limit (shorter is better; 100 is just reached)", scale=alt.Scale(type="symlog")),
        color=alt.Color("reached:N", scale=alt.Scale(domain=[True, False], range=["#2f6f73", "#b5532a"]), legend=None),
    )
    words = base.mark_text(align="left", dx=3, fontSize=10).encode(x="share:Q", text=alt.Text("share:Q", format=".0f"))
    line = alt.Chart(alt.Data(values=[{"x": 100}])).mark_rule(strokeDash=[4, 3]).encode(x="x:Q")
    chart = (bars + words + line).properties(width=460, height=17 * len(data)).configure_view(stroke=None)
    (DOCS / "performance.svg").write_text(vl_convert.vegalite_to_svg(chart.to_dict()), encoding="utf-8")
