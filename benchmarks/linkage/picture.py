"""The figures of `docs/performance-linkage.json` as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt

COLOURS = {"ours": "#0b7285", "splink": "#adb5bd", "splink with veto": "#868e96"}
MEASURES = {"best_f1": "F1, best threshold", "0.999": "recall at precision ≥ 0.999", "0.9998": "recall at precision ≥ 0.9998"}


def draw(measured: dict[str, Any], path: Path) -> None:
    """An SVG: seconds on the left, how right on the right, one row for each made-up nation."""
    shown = {name: of for name, of in measured["sets"].items() if len(of["engines"]) > 2}
    cost, right = [], []
    for name, of in shown.items():
        for engine in COLOURS:
            figures = of["engines"][engine]
            cost.append({"set": name, "engine": engine, "seconds": figures["seconds"]})
            values = {"best_f1": figures["best_f1"], **figures["recall_at"]}
            right += [{"set": name, "engine": engine, "measure": title, "share": values[key]} for key, title in MEASURES.items()]
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    colour = alt.Color("engine:N", scale=scale, legend=alt.Legend(title=None, orient="top"))
    engines = alt.Y("engine:N", title=None, sort=list(COLOURS), axis=None)
    rows = alt.Row("set:N", title=None, sort=list(shown), header=alt.Header(labelAngle=0, labelAlign="left"))
    time = (
        alt.Chart(alt.InlineData(values=cost))
        .mark_bar()
        .encode(x=alt.X("seconds:Q", title="seconds"), y=engines, color=colour, row=rows)
        .properties(width=260, height=54)
    )
    share = (
        alt.Chart(alt.InlineData(values=right))
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("share:Q", title="share", scale=alt.Scale(domain=[0.5, 1], clamp=True)),
            y=alt.Y("measure:N", title=None, sort=list(MEASURES.values())),
            color=colour,
            row=alt.Row("set:N", title=None, sort=list(shown), header=alt.Header(labels=False)),
        )
        .properties(width=300, height=54)
    )
    title = alt.Title(f"Linkage beside Splink 5: {measured['machine']}, {measured['date']}", anchor="start")
    alt.hconcat(time, share, title=title).configure_view(stroke=None).save(str(path))
