"""A night of any size, quickly: facility lists, card registers and claim files, with the money of every facility beside them.

The simulated world of `produce` has every oddity and every truth, and takes its time. Here only size matters: a claim is one of some
hundred templates with its own episode, person, card and facility put in, so it costs little more than writing it down.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pybase64
from numpy.typing import NDArray

from expectations.exports.cards import CARDS
from expectations.exports.claims import CLAIMS
from expectations.exports.facilities import FACILITIES
from warehouse import reference
from warehouse.samples import costs
from warehouse.samples.card_holders import CardHolders, Region
from warehouse.samples.claim_files import envelope
from warehouse.samples.claim_xml import LIST_130, Style, header_130, line_130
from warehouse.samples.people import day_number
from warehouse.samples.window import month_end
from warehouse.storage import replacing

Tell = Callable[[str], None]
TEMPLATES = 128
SHEETS = 4  # a template's lines are those of so many visits: about twenty lines, 40 kB a claim
HOLDERS = 1_000_000  # people whom the claims are of, where no registers are asked for
CHUNK = 2_000
_MODIFIED = int(datetime(2025, 10, 3, tzinfo=UTC).timestamp())
_SLOTS = (
    "episode", "patient", "full_name", "citizen_id", "birth", "sex", "card", "registered", "valid_from", "province", "commune",
    "facility_code",
)  # fmt: skip
_MONEY = {
    "total_cost": "total", "covered_cost": "covered", "self_paid": "own", "copayment": "copay", "fund_paid": "fund",
    "other_sources": "other",
}  # fmt: skip
_ICD = ("I10", "J00", "E11", "J20.9", "K29", "M54.5", "A09", "J18.9", "N39.0", "H10", "I25", "K02", "R51", "B34.9", "S52.5", "L20")


def write(
    out: Path,
    *,
    claims: int = 0,
    files: int = 1,
    cards: int = 0,
    changed: int = 0,
    month: date = date(2025, 9, 1),
    seed: int = 1,
    tell: Tell = lambda _: None,
) -> None:
    """Add to `out/landing` a list of facilities a province, `claims` claims of `month` in `files` files, and registers of `cards` cards.

    `changed`: instead of all registers only the last provinces' that hold about as many cards, a second delivery with one card in thirty
    withdrawn. `out/truth/facility_month.parquet` has the claims' visits and money (đồng) by month, facility_code and care_type. The same
    arguments give the same bytes and modification times. Raises ValueError for more files than claims.
    """
    if claims and not 0 < files <= claims:
        raise ValueError("a claim file holds at least one claim")
    places = regions(max(min(files, 12_000), 34), cards or HOLDERS, month)
    holders = CardHolders(places, seed)
    landing = out / "landing"
    _facility_lists(landing, places, month)
    if cards:
        _registers(landing, holders, month, changed, tell)
    if claims:
        truth = _claims(landing, holders, claims, files, month, seed, tell)
        with replacing(out / "truth" / "facility_month.parquet", mode=0o644) as temporary:
            truth.write_parquet(temporary)


def regions(facilities: int, people: int, month: date) -> tuple[Region, ...]:
    """The 34 provinces of today with even shares of facilities and people."""
    units = reference.frame("commune_units").filter(pl.col("valid_to").is_null() | (pl.col("valid_to") >= month))
    codes = sorted(units["province_unit"].unique())
    made = []
    for i, code in enumerate(codes):
        count = facilities // len(codes) + (i < facilities % len(codes))
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        named = tuple(f"{code}{digits[n // 100]}{n % 100:02d}" for n in range(1, count + 1))
        communes = tuple(units.filter(pl.col("province_unit") == code)["code"].sort())
        made.append(Region(code, communes, named, people * i // len(codes), people * (i + 1) // len(codes)))
    return tuple(made)


def _put(path: Path, data: bytes | Sequence[bytes], modified: int = _MODIFIED) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines([data] if isinstance(data, bytes) else data)
    os.utime(path, (modified, modified))


def _facility_lists(landing: Path, regions: Sequence[Region], month: date) -> None:
    for region in regions:
        rows = pl.DataFrame({"MA_CSKCB": region.facilities}).with_columns(
            TEN_CSKCB=pl.concat_str(pl.lit("Trạm y tế "), "MA_CSKCB"),
            MATINH=pl.lit(region.code),
            TUYEN=pl.lit("4"),
            CAP_CMKT=pl.lit("BAN_DAU"),
            LOAI_HINH=pl.lit("CONG"),
            KIEU=pl.lit("TYT"),
            TU_NGAY=pl.lit(f"01/01/{month.year}"),
            DEN_NGAY=pl.lit(f"31/12/{month.year}"),
        )
        _put(landing / FACILITIES.folder / f"cskcb_{region.code}_{month:%Y-%m}.csv", rows.write_csv().encode())


def _registers(landing: Path, holders: CardHolders, month: date, changed: int, tell: Tell) -> None:
    chosen = list(holders.regions)
    if changed:
        some: list[Region] = []
        while chosen and sum(r.end - r.start for r in some) < changed:
            some.append(chosen.pop())
        chosen = some
    for region in chosen:
        tell(f"register {region.code}")
        name = f"the_{region.code}_{month:%Y-%m}.csv"
        folder = landing / CARDS.folder / ("again" if changed else "")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            for start in range(region.start, region.end, 200_000):
                rows = card_rows(holders.rows(np.arange(start, min(start + 200_000, region.end))), month, withdrawn=bool(changed))
                rows.write_csv(file, include_header=start == region.start)
        modified = _MODIFIED + 86_400 * bool(changed)
        os.utime(folder / name, (modified, modified))


def card_rows(people: pl.DataFrame, month: date, *, withdrawn: bool = False) -> pl.DataFrame:
    """A register: one column per element of the contract, text."""
    gone = (pl.col("person") % 30 == 7) & withdrawn
    return people.select(
        MA_THE_BHYT="card", MA_SO_BHXH="number", SO_CCCD="citizen_id", HO_TEN="full_name",
        NGAY_SINH=pl.from_epoch("birth", time_unit="d").dt.strftime("%d/%m/%Y"), GIOI_TINH="sex",
        MUC_HUONG=pl.col("card").str.slice(2, 1), MATINH_CU_TRU="province", MAXA_CU_TRU="commune",
        DIA_CHI=pl.concat_str(pl.lit("Số "), (pl.col("person") % 300 + 1).cast(pl.String), pl.lit(", tổ "), pl.col("person") % 40),
        MA_DKBD="registered", GT_THE_TU=pl.from_epoch("valid_from", time_unit="d").dt.strftime("%d/%m/%Y"),
        GT_THE_DEN=pl.lit("31/12/2025"), NGAY_GIAM=pl.when(gone).then(pl.lit(f"{month:01/%m/%Y}")),
        LY_DO_GIAM=pl.when(gone).then(pl.lit("KHAC")),
    )  # fmt: skip


# ---- claims


# As long as the tests of a visit are; nobody decodes it.
_XML4 = (
    b"</NOIDUNGFILE></FILEHOSO><FILEHOSO><LOAIHOSO>XML4</LOAIHOSO><NOIDUNGFILE>"
    + pybase64.b64encode(b"<CHITIEU_CHITIET_DICHVUCANLAMSANG>" + b"<CHI_TIET_CLS/>" * 140 + b"</CHITIEU_CHITIET_DICHVUCANLAMSANG>")
    + b"</NOIDUNGFILE></FILEHOSO></HOSO>\n"
)


class _Template:
    """A claim without its person: XML1 in pieces between the slots, XML2 and XML3 with the slot of the episode, and its money."""

    def __init__(self, xml1: str, xml2: str | None, xml3: str | None) -> None:
        self.pieces = [p.encode() for p in re.split(r"\[\[(\w+)\]\]", xml1)]
        self.slots = [_SLOTS.index(p.decode()) for p in self.pieces[1::2]]
        self.others = [(k, x.encode()) for k, x in ((b"XML2", xml2), (b"XML3", xml3)) if x]

    def hoso(self, values: tuple[str, ...]) -> bytes:
        filled = [v.encode() for v in values]
        xml1 = list(self.pieces)
        xml1[1::2] = [filled[s] for s in self.slots]
        parts = [b"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>", pybase64.b64encode(b"".join(xml1))]
        for kind, text in self.others:
            parts += (b"</NOIDUNGFILE></FILEHOSO><FILEHOSO><LOAIHOSO>", kind, b"</LOAIHOSO><NOIDUNGFILE>")
            parts.append(pybase64.b64encode(text.replace(b"[[episode]]", filled[0])))
        parts.append(_XML4)
        return b"".join(parts)


def _templates(month: date, seed: int) -> tuple[list[_Template], pl.DataFrame]:
    """The templates and, in their order, `care_type` and the money of each (xu)."""
    rng = np.random.default_rng([seed, 22])
    style = Style(declaration='<?xml version="1.0" encoding="utf-8"?>')
    inpatient = np.arange(TEMPLATES) % 8 == 0
    admitted = day_number(month) + rng.integers(0, 20, TEMPLATES)
    stay = np.where(inpatient, rng.integers(2, 9, TEMPLATES), 0)
    visits = pl.DataFrame(
        {
            "claim": np.arange(TEMPLATES), "day": admitted, "out_day": admitted + stay, "minute": rng.integers(400, 900, TEMPLATES),
            "care_code": np.where(inpatient, "03", "01"), "type": "BV", "standard": "130", "full": "GD4790000000000",
            "icd": [_ICD[n % len(_ICD)] for n in range(TEMPLATES)], "treatment_days": np.where(inpatient, stay + 1, 0),
        }
    )  # fmt: skip
    sheets = pl.concat([visits] * SHEETS).with_columns(claim=pl.int_range(TEMPLATES * SHEETS))
    lines = costs.lines(sheets, seed).with_columns(claim=pl.col("claim") % TEMPLATES, episode=pl.lit("[[episode]]"))
    lines = lines.sort("claim", "table", "line", "item", "total").with_columns(line=pl.int_range(1, pl.len() + 1).over("claim", "table"))
    header = costs.headers(lines, "claim")
    slots = {"year_only": False, "spot": "1"} | {
        column: f"[[{slot}]]"
        for column, slot in {
            "episode": "episode", "full_name": "full_name", "citizen_id": "citizen_id", "sex": "sex", "cards": "card",
            "registered_list": "registered",
            "from_list": "valid_from", "residence_code": "province", "commune_code": "commune", "facility_code": "facility_code",
        }.items()
    }  # fmt: skip
    rows = visits.join(header, on="claim", how="left", maintain_order="left").with_columns(
        *(pl.lit(v).alias(c) for c, v in slots.items()),
        birth=pl.lit(0, pl.Int64), to_list=pl.lit("20251231"), category=pl.lit("1.10"), referring=pl.lit(None, pl.String),
        outcome=pl.lit("1"), total_header="total", settled=pl.lit(month), patient=pl.lit(0, pl.Int64),
    )  # fmt: skip
    xml = rows.select("claim", xml1=header_130(style))
    for table in (2, 3):
        opening, closing = LIST_130[table]
        texts = lines.filter(pl.col("table") == table).select("claim", text=line_130(style, table))
        joined = texts.group_by("claim", maintain_order=True).agg(pl.col("text").str.join(""))
        joined = joined.select("claim", pl.concat_str(pl.lit(style.declaration + opening), "text", pl.lit(closing)).alias(f"xml{table}"))
        xml = xml.join(joined, on="claim", how="left", maintain_order="left")
    born = "<NGAY_SINH>197001010000</NGAY_SINH>"
    made = [
        _Template(x1.replace(born, "<NGAY_SINH>[[birth]]</NGAY_SINH>").replace("<MA_BN>BN0<", "<MA_BN>[[patient]]<"), x2, x3)
        for _, x1, x2, x3 in xml.iter_rows()
    ]
    kind = pl.when(pl.col("care_code") == "03").then(pl.lit("inpatient")).otherwise(pl.lit("outpatient"))
    return made, rows.select(care_type=kind, **{name: pl.col(column) for name, column in _MONEY.items()})


def sizes(claims: int, files: int, seed: int) -> NDArray[np.int64]:
    """Claims of each file: every one has some, most fewer than fifty of a national night's, a few thousands (log-normal, σ 1.3)."""
    weight = np.random.default_rng([seed, 23]).lognormal(0, 1.3, files)
    exact = np.cumsum(weight / weight.sum()) * (claims - files)
    ends: NDArray[np.int64] = np.round(exact).astype(np.int64)
    counts: NDArray[np.int64] = ends - np.concatenate([ends[:1] * 0, ends[:-1]]) + 1
    return counts


def _claims(landing: Path, holders: CardHolders, claims: int, files: int, month: date, seed: int, tell: Tell) -> pl.DataFrame:
    templates, money = _templates(month, seed)
    facilities = [f for region in holders.regions for f in region.facilities]
    people = holders.regions[-1].end
    issued = day_number(month_end(month)) + 2
    held: Counter[tuple[str, int]] = Counter()
    written = 0
    for number, count in enumerate(sizes(claims, files, seed).tolist()):
        facility = facilities[number * len(facilities) // files if files >= len(facilities) else number]
        path = landing / CLAIMS.folder / f"{month:%Y-%m}" / facility / f"{facility}_{month:%Y%m}_{number}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        head, tail = envelope(facility, issued, ["|"], count).split(b"|")
        with path.open("wb", buffering=1 << 20) as file:
            file.write(head)
            for start in range(written, written + count, CHUNK):
                ordinals = np.arange(start, min(start + CHUNK, written + count))
                which = (ordinals * 7919 + seed) % TEMPLATES
                held.update((facility, int(t)) for t in which)
                rows = _values(holders.rows((ordinals * 104_729 + seed) % people), ordinals, facility)
                file.writelines(templates[t].hoso(row) for t, row in zip(which, rows, strict=True))
            file.write(tail)
        os.utime(path, (_MODIFIED, _MODIFIED))
        written += count
        if number % 500 == 0:
            tell(f"claims {written:,} of {claims:,}")
    counted = pl.DataFrame(
        [(facility, template, count) for (facility, template), count in held.items()],
        schema={"facility_code": pl.String(), "template": pl.Int64(), "visits": pl.Int64()}, orient="row",
    )  # fmt: skip
    sums = {name: ((pl.col(name) * pl.col("visits")).sum().cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(18, 2)) for name in _MONEY}
    return (
        counted.join(money.with_row_index("template").with_columns(pl.col("template").cast(pl.Int64)), on="template")
        .group_by("facility_code", "care_type")
        .agg(pl.col("visits").sum(), **sums)
        .select(pl.lit(month).alias("month"), pl.all())
        .sort("facility_code", "care_type")
    )


def _values(people: pl.DataFrame, ordinals: NDArray[np.int64], facility: str) -> Iterator[tuple[str, ...]]:
    """What goes into the slots, claim by claim."""
    return people.select(
        episode=pl.lit(pl.Series(ordinals)).cast(pl.String).str.zfill(12),
        patient=pl.concat_str(pl.lit("BN"), "person"),
        full_name="full_name",
        citizen_id="citizen_id",
        birth=pl.concat_str(pl.from_epoch("birth", time_unit="d").dt.strftime("%Y%m%d"), pl.lit("0000")),
        sex="sex",
        card="card",
        registered="registered",
        valid_from=pl.from_epoch("valid_from", time_unit="d").dt.strftime("%Y%m%d"),
        province="province",
        commune="commune",
        facility_code=pl.lit(facility),
    ).iter_rows()
