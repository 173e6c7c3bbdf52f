"""The row rules that every export shares, derived from its fields, and the words to write further ones with."""

from __future__ import annotations

from collections.abc import Iterable

from expectations.declare import BOOLEAN, NAMES, TEXT, Field, Rule, Severity
from expectations.declare import INTEGER as INTEGER_KIND

ERROR, WARNING = Severity.ERROR, Severity.WARNING

# What a reader and `transforms.rows` add to each row of each export.
TECHNICAL = (
    Field("delivery_id", TEXT, "The delivery that the row came in"),
    Field("row_number", INTEGER_KIND, "Place in the file: spreadsheet row, or ordinal of the HOSO or Parquet row, from 1"),
    Field("row_flaw", TEXT, "What the reader found wrong with the row as a whole: nul_byte, too_many_cells, undecodable, no_xml1"),
    Field("unreadable", NAMES, "Fields whose cell is filled but cannot be read"),
    Field("restored", NAMES, "Identifiers whose leading zeros were restored"),
)

# What `transforms.geography` adds to each row of an export that names places.
PLACES = (
    Field("province_code", TEXT, "Province (34) that the delivered codes stand for; NULL when unknown"),
    Field("old_province_code", TEXT, "Province (63) where the delivered code is an old one"),
    Field("commune_code", TEXT, "Commune of today that the delivered commune stands for; NULL when unknown or none"),
    Field("commune_approximate", BOOLEAN, "The old commune was split; this is its default target"),
    Field("place_notes", NAMES, "unknown_province, unknown_commune, old_code_late, new_code_early, commune_elsewhere"),
)


def unreadable(field: str) -> str:
    """SQL: the cell of `field` is filled but could not be read."""
    return f"list_contains(unreadable, '{field}')"


def noted(note: str) -> str:
    """SQL: `transforms.geography` made this note on the row."""
    return f"list_contains(place_notes, '{note}')"


# Kinds that take any text as it is: what is wrong with it is for other rules to say.
ANY_TEXT = ("text", "code", "bare_code")


def cell_rules(table: str, fields: Iterable[Field]) -> tuple[Rule, ...]:
    """For each delivered field: is it there where it is needed, can it be read, is it one of its choices."""
    rules: list[Rule] = []
    for f in fields:
        if not f.element:
            continue
        if f.needed:
            rules.append(
                Rule(
                    f"{table}.{f.name}.missing",
                    ERROR,
                    f"{f.name} IS NULL" + ("" if f.kind.name in ANY_TEXT else f" AND NOT {unreadable(f.name)}"),
                    f"{f.element} is empty",
                    f"Fill {f.element} in the source and deliver the file again.",
                    f.element,
                )
            )
        if f.kind.name not in ANY_TEXT:
            rules.append(
                Rule(
                    f"{table}.{f.name}.unreadable",
                    ERROR if f.needed else f.unreadable,
                    unreadable(f.name),
                    f"{f.element} cannot be read as {f.kind.name.replace('_', ' ')}",
                    f"Correct the form of {f.element} ({f.meaning.lower()}) in the source and deliver the file again.",
                    f.element,
                )
            )
        if f.choices:
            listed = ", ".join(f"'{c}'" for c in f.choices)
            rules.append(
                Rule(
                    f"{table}.{f.name}.not_listed",
                    WARNING,
                    f"coalesce({f.name} NOT IN ({listed}), false)",
                    f"{f.element} is none of {', '.join(f.choices)}",
                    f"Look up the code of {f.element}; if it is new, add it to the field's choices.",
                    f.element,
                )
            )
    return tuple(rules)


def row_rules(table: str) -> tuple[Rule, ...]:
    """Rules about the row as a whole."""
    return (
        Rule(
            f"{table}.row.nul_byte",
            ERROR,
            "coalesce(row_flaw = 'nul_byte', false)",
            "the row holds a NUL byte",
            "Export the file again; a NUL byte means that the source or the transfer damaged it.",
        ),
        Rule(
            f"{table}.row.damaged",
            ERROR,
            "coalesce(row_flaw NOT IN ('nul_byte', 'no_xml1'), false)",
            "the record cannot be taken apart (more cells than the header, or content that cannot be decoded)",
            "Look at the record in the file: a delimiter inside a cell must stand in quotes, base64 and inner XML must be whole.",
        ),
        Rule(
            f"{table}.row.zeros_restored",
            WARNING,
            "len(restored) > 0",
            "leading zeros of an identifier were lost, as Excel does, and were restored",
            "Export identifiers as text.",
        ),
    )


def place_rules(table: str, province: Field, commune: Field | None, *, province_severity: Severity = ERROR) -> tuple[Rule, ...]:
    """Rules about codes of places, after `transforms.geography`."""
    rules = [
        Rule(
            f"{table}.{province.name}.unknown",
            province_severity,
            noted("unknown_province"),
            f"{province.element} is no province of any period",
            "Correct the province code (dims.province lists them with their dates).",
            province.element or "",
        ),
        Rule(
            f"{table}.{province.name}.of_another_period",
            WARNING,
            f"{noted('old_code_late')} OR {noted('new_code_early')}",
            f"{province.element} or the commune is a code that was not in force in the file's period; it was recognised",
            "Export with the codes in force in the period of the file.",
            province.element or "",
        ),
    ]
    if commune:
        rules += [
            Rule(
                f"{table}.{commune.name}.unknown",
                WARNING,
                noted("unknown_commune"),
                f"{commune.element} is no commune of any period",
                "Correct the commune code (dims.commune lists them with their dates).",
                commune.element or "",
            ),
            Rule(
                f"{table}.{commune.name}.elsewhere",
                WARNING,
                noted("commune_elsewhere"),
                f"{commune.element} lies in another province than {province.element}",
                "Check which of the two codes is right; the province counts.",
                commune.element or "",
            ),
            Rule(
                f"{table}.{commune.name}.approximate",
                WARNING,
                "coalesce(commune_approximate, false)",
                f"{commune.element} was split in 2025; the row counts in the default target",
                "Deliver the commune of today for this row if it is known.",
                commune.element or "",
            ),
        ]
    return tuple(rules)
