"""A person's waterfalls as a picture, drawn from a template. Levels and weights only: cards have places, not numbers."""

from __future__ import annotations

from flows.report.template import TEMPLATES
from transforms.persons.story import Story, Tie

WIDTH, LEFT, ROW, HEAD = 720, 330, 22, 52


def person_svg(told: Story, merge_bits: float) -> str:
    """One waterfall for each tie that holds the person together, then the heaviest near misses."""
    ties = [t for t in told.ties if t.weight is not None] + list(told.near[:3])
    charts, y = [], 50
    for tie in ties:
        chart = _chart(told, tie, merge_bits, y)
        charts.append(chart)
        y += HEAD + ROW * (len(tie.steps) + 1) + 16
    return TEMPLATES.get_template("person.svg").render(width=WIDTH, height=y, told=told, charts=charts, row=ROW, left=LEFT)


def _chart(told: Story, tie: Tie, merge_bits: float, y: int) -> dict[str, object]:
    assert tie.weight is not None
    reached, bars = 0.0, []
    for step in tie.steps:
        bars.append((step.field, step.words, step.bits, reached, reached + step.bits))
        reached += step.bits
    bars.append(("together", "", tie.weight, 0.0, tie.weight))
    ends = [0.0, merge_bits, *(b[3] for b in bars), *(b[4] for b in bars)]
    low, high = min(ends), max(ends)

    def x(bits: float) -> float:
        return round(LEFT + (bits - low) / (high - low) * (WIDTH - LEFT - 60), 1)

    own = [f"card {told.cards.index(c) + 1}" for c in (tie.card, tie.other_card) if c in told.cards]
    title = " and ".join(own) + (f" and a card of {tie.other_person}" if len(own) == 1 else "")
    return {
        "y": y,
        "title": title,
        "verdict": f"{tie.weight:+.1f} bits" + (f" ({tie.kind.replace('_', ' ')})" if tie.kind else ""),
        "threshold": x(merge_bits),
        "zero": x(0.0),
        "bars": [
            {
                "y": y + HEAD + i * ROW, "label": field, "words": words, "bits": f"{bits:+.1f}", "x": min(x(a), x(b)),
                "width": max(abs(x(b) - x(a)), 1), "end": max(x(a), x(b)), "for": bits >= 0, "whole": field == "together",
            }
            for i, (field, words, bits, a, b) in enumerate(bars)
        ],
        "bottom": y + HEAD + len(bars) * ROW,
    }  # fmt: skip
