"""The morning report on a page: `index.html` and `index.en.html`, each complete in one file, and the pictures beside them.

Nothing is fetched and no script runs; the same version gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from markupsafe import Markup, escape

from flows.report import charts, figures
from flows.report.figures import Figures
from flows.report.numbers import LANGUAGES, Language, Style
from flows.report.template import TEMPLATES
from flows.report.words import words

CLASSES = ("class_below_5", "class_below_2", "class_below_0", "class_above_0", "class_above_2")
SHORT = 20  # provinces: with fewer, there is room beside the map for the months
STATUSES = ("loaded", "superseded", "repeated", "held", "refused")


@dataclass(frozen=True)
class Links:
    """What lies beside the page, as relative addresses; None where there is none."""

    data_docs: str | None = None
    summary: str | None = None
    persons: str | None = None
    pictures: tuple[str, ...] = ()


def write(directory: Path, coverage_file: Path, language: Language = "vi", docs: Path | None = None) -> Path:
    """Draw a version's page in both languages and its pictures into `directory`; `index.html` is in `language`. Returns it."""
    with duckdb.connect(str(coverage_file), read_only=True) as connection:
        found = figures.read(connection)
    return write_figures(directory, found, language, docs)


def write_figures(directory: Path, found: Figures, language: Language = "vi", docs: Path | None = None) -> Path:
    """The same of figures that are at hand. The other language stands in `index.<language>.html`."""
    directory.mkdir(parents=True, exist_ok=True)
    address = {lang: "index.html" if lang == language else f"index.{lang}.html" for lang in LANGUAGES}
    summary, linkage = (name if (directory / name).exists() else None for name in ("summary.md", "persons.html"))
    for lang in LANGUAGES:
        style = Style(lang)
        pictures = charts.draw(found, style, words(lang))
        suffix = "" if lang == language else f".{lang}"
        names = tuple(f"{name}{suffix}.svg" for name in pictures)
        for name, svg in zip(names, pictures.values(), strict=True):
            (directory / name).write_text(svg, encoding="utf-8")
            if lang == language:
                (directory / name).with_suffix(".png").write_bytes(charts.png(svg))
        links = Links(docs.relative_to(directory).as_posix() if docs else None, summary, linkage, names)
        other = next(other for other in LANGUAGES if other != lang)
        (directory / address[lang]).write_text(html(found, style, pictures, links, address[other]), encoding="utf-8")
    return directory / "index.html"


def html(found: Figures, style: Style, pictures: dict[str, str], links: Links, other_page: str) -> str:
    """The page; `pictures` are SVGs of our own making and go in as they are."""
    phrases = words(style.language)
    claims, earlier = (*found.claims, None, None)[:2]
    if claims and earlier and (claims.month.year - earlier.month.year) * 12 + claims.month.month - earlier.month.month != 1:
        earlier = None
    return TEMPLATES.get_template("morning.html").render(
        f=found, s=style, w=phrases, say=_sayer(phrases), code=_code, links=links,
        pictures=dict.fromkeys(charts.PICTURES) | {n: Markup(p) for n, p in pictures.items()},
        other_page=other_page, legend=list(zip(CLASSES, charts.GAP_CLASSES, strict=True)), unknown=charts.UNKNOWN, statuses=STATUSES,
        short=0 < len(found.provinces) < SHORT,
        graded=sorted((g for g in found.grades if g.grade), key=lambda g: (-ord(g.grade or ""), g.province_code)),
        silent=[g.province_name for g in found.grades if g.grade is None], claims=claims, claims_before=earlier,
        compared=[p for p in found.published if p.ours is not None],
    )  # fmt: skip


def _sayer(phrases: dict[str, str]) -> object:
    def say(key: str, **values: object) -> str:
        return phrases[key].format(**values)

    return say


def _code(text: str) -> Markup:
    """`commands` between backticks become code, everything else is escaped."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))
