"""Claim files: which version of which claim goes into which file, and the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from warehouse.samples import costs
from warehouse.samples.claim_xml import LIST_130, LIST_4210, STYLES, Style, file_part, header_130, header_4210, line_130, line_4210
from warehouse.samples.outbox import Outbox, packed, zipped
from warehouse.samples.people import day_number
from warehouse.samples.places import REFORM, Places
from warehouse.samples.window import month_end

OF_3276_ALONE = day_number(date(2026, 1, 1))  # until then the visit categories of QĐ 824 were accepted too
_CHUNK = 20_000  # records written at a time, so that memory does not grow with the world
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def records(visits: pl.DataFrame, places: Places, seed: int) -> pl.DataFrame:
    """One row per version of a claim: the columns of `visits` and `record, version, kind` (first, again, withdrawn, back), `issued`
    (NGAYLAP), `episode, category, cards ...` as XML1 shows them.

    Of every hundred claims three are sent again with other amounts and one is withdrawn; a third of those come back.
    """
    rng = np.random.default_rng([seed, 9])
    at = places.spots.select("spot", "old_commune", "commune", "province", residence="old_province")
    new = pl.col("out_day") >= day_number(REFORM)
    short = (pl.col("claim") % 17 == 3) & ~pl.col("full_only") & pl.col("other_full").is_null()
    card = pl.when(short).then("number").otherwise("full")

    def both(first: pl.Expr, second: pl.Expr) -> pl.Expr:
        return pl.when(pl.col("other_full").is_null()).then(first).otherwise(pl.concat_str(first, pl.lit(";"), second))

    def day(column: str) -> pl.Expr:
        return pl.from_epoch(pl.col(column), time_unit="d").dt.strftime("%Y%m%d").fill_null("")

    open_end = pl.when(pl.col("valid_to").is_null()).then(pl.lit("")).otherwise(day("valid_to"))
    base = visits.join(at, on="spot", how="left", maintain_order="left").with_columns(
        episode=pl.concat_str(pl.col("out_day").cast(pl.String), pl.lit("-"), pl.col("claim").cast(pl.String).str.zfill(8)),
        category=pl.when(pl.col("referring").is_not_null())
        .then(pl.lit("1.3"))
        .when(pl.col("claim") % 11 == 0)
        .then(pl.lit("2"))
        .when(pl.col("out_day") < OF_3276_ALONE)
        .then(pl.lit("1.10"))
        .otherwise(pl.lit("1.1")),
        cards=both(card, pl.col("other_full")),
        registered_list=both(pl.col("registered").fill_null(""), pl.col("registered").fill_null("")),
        from_list=both(day("valid_from"), day("other_from")),
        to_list=both(open_end, day("other_to")),
        residence_code=pl.when(new).then("province").otherwise("residence"),
        commune_code=pl.when(new).then("commune").otherwise("old_commune"),
        treatment_days=pl.when(pl.col("care_code").is_in(["03", "04", "06", "02"]))
        .then(pl.col("out_day") - pl.col("day") + 1)
        .otherwise(0),
        outcome=pl.when(pl.col("claim") % 9 == 0).then(pl.lit("2")).otherwise(pl.lit("1")),
        written_care=pl.when(pl.col("standard") == "130")
        .then("care_code")
        .otherwise(
            pl.col("care_code").replace({"03": "3", "04": "3", "09": "3", "01": "1", "06": "1", "07": "1", "02": "2", "05": "2", "08": "2"})
        ),
        style=pl.col("facility_code").rank("dense").cast(pl.Int64) % len(STYLES),  # a facility has one system and keeps it
    )
    base = base.with_columns(care_code="written_care").drop("written_care")
    u = pl.Series(rng.random(base.height))
    modern = (pl.col("standard") == "130") & pl.col("signal").is_null()
    first = base.with_columns(version=pl.lit(1), kind=pl.lit("first"))
    again = base.filter((u < 0.03) & (base["header_off"] == 0)).with_columns(version=pl.lit(2), kind=pl.lit("again"))
    gone = base.filter(u > 0.99).filter(modern).with_columns(version=pl.lit(2), kind=pl.lit("withdrawn"), category=pl.lit("8"))
    back = base.filter(u > 0.9965).filter(modern).with_columns(version=pl.lit(3), kind=pl.lit("back"))
    # NGAYLAP: some days into the month after the settlement period; each later version is issued later.
    wait = {"first": 3, "again": 12, "withdrawn": 14, "back": 20}
    ends = {m: day_number(month_end(m)) for m in base["settled"].unique()}
    return (
        pl.concat([first, again, gone, back])
        .sort("claim", "version")
        .with_columns(
            issued=pl.col("settled").replace_strict(ends, return_dtype=pl.Int64)
            + pl.col("kind").replace_strict(wait, return_dtype=pl.Int64)
        )
        .with_row_index("record")
        .with_columns(pl.col("record").cast(pl.Int64))
    )


def lines_of(batch: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of each record: those of its claim; a claim that is sent again lacks its last line where it has three or more."""
    found = batch.select("record", "claim", "kind", "episode").join(lines, on="claim", how="left").sort("record", "table", "line")
    last = (pl.int_range(pl.len()).over("record") == pl.len().over("record") - 1) & (pl.len().over("record") >= 3)
    return found.filter(~((pl.col("kind") == "again") & last))


def with_money(batch: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """`batch` with the sums of its lines; a withdrawal carries them too."""
    return batch.join(costs.headers(lines, "record"), on="record", how="left", maintain_order="left").with_columns(
        total_header=pl.col("total") + pl.col("header_off")
    )


def hoso(batch: pl.DataFrame, lines: pl.DataFrame, style: Style, standard: str) -> pl.DataFrame:
    """`record, hoso`: the HOSO element of each record of one style and standard."""
    wrappers, header = (LIST_4210, header_4210(style)) if standard == "4210" else (LIST_130, header_130(style))
    line = line_4210 if standard == "4210" else line_130
    texts = batch.select("record", "claim", xml1=header)
    for table in (2, 3):
        opening, closing = wrappers[table]
        rows = lines.filter(pl.col("table") == table).select("record", text=line(style, table))
        joined = rows.group_by("record", maintain_order=True).agg(pl.col("text").str.join(""))
        joined = joined.with_columns(text=pl.concat_str(pl.lit(style.declaration + opening), "text", pl.lit(closing)))
        texts = texts.join(joined.rename({"text": f"xml{table}"}), on="record", how="left", maintain_order="left")
    # XML4 to XML15 are there as in life; whatever they hold must never be seen downstream.
    number = pl.col("claim").cast(pl.String)
    marked = standard == "130"
    texts = texts.with_columns(
        xml4=pl.when(pl.col("claim") % 4 == 0).then(
            pl.lit("<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS/></CHITIEU_CHITIET_DICHVUCANLAMSANG>")
        ),
        xml6=pl.when(marked & (pl.col("claim") % 61 == 4)).then(
            pl.concat_str(pl.lit("<CHI_TIEU_HIV><MA_LK/><CHAN_DOAN_HIV>HIV-MARKER-"), number, pl.lit("</CHAN_DOAN_HIV></CHI_TIEU_HIV>"))
        ),
        xml15=pl.when(marked & (pl.col("claim") % 67 == 5)).then(
            pl.concat_str(pl.lit("<CHI_TIEU_LAO><MA_LK/><PHAN_LOAI_LAO>TB-MARKER-"), number, pl.lit("</PHAN_LOAI_LAO></CHI_TIEU_LAO>"))
        ),
    )
    parts = [file_part(f"XML{k}", pl.col(f"xml{k}"), style) for k in (1, 2, 3, 4, 6, 15)]
    if style.extras:
        parts.append(pl.lit("<FILEHOSO><LOAIHOSO>XML8</LOAIHOSO><NOIDUNGFILE/></FILEHOSO>"))
    if style.shuffled:
        parts.reverse()
    return texts.select("record", hoso=pl.concat_str([pl.lit("<HOSO>"), *parts, pl.lit("</HOSO>\n")]))


def envelope(facility: str, issued: int, hosos: list[str], declared: int | None = None) -> bytes:
    """A whole claim file. `declared`: SOLUONGHOSO, where it is not the number of HOSO."""
    day = date.fromordinal(date(1970, 1, 1).toordinal() + issued).strftime("%Y%m%d")
    count = len(hosos) if declared is None else declared
    head = (
        f'{_DECLARATION}<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">\n'
        f"<THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>\n<THONGTINHOSO><NGAYLAP>{day}</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>\n<DANHSACHHOSO>\n"
    )
    return (head + "".join(hosos) + "</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>\n").encode()


def write_claims(
    outbox: Outbox, rows: pl.DataFrame, lines: pl.DataFrame, *, under_declared: bool = False, progress: Callable[[str], None] | None = None
) -> None:
    """Write every record into the file of its facility, settlement month and round (first, again, withdrawn, back); stations go into one
    archive per province and month. `under_declared`: the first file declares one HOSO fewer than it holds."""
    rows = rows.sort("settled", "facility_code", "issued", "claim", "version")
    month_size = rows.group_by("settled", "facility_code", maintain_order=True).len()
    chunk = (month_size["len"].cum_sum() // _CHUNK).alias("chunk")
    rows = rows.join(month_size.with_columns(chunk), on=["settled", "facility_code"], how="left", maintain_order="left")
    pending = under_declared
    archives: dict[str, dict[str, bytes]] = {}
    for (number,), batch in rows.group_by("chunk", maintain_order=True):
        if progress:
            progress(f"claims, part {int(str(number)) + 1}")
        own = lines_of(batch, lines)
        batch = with_money(batch, own)
        texts = []
        for (style, standard), some in batch.group_by("style", "standard", maintain_order=True):
            keys = some.select("record")
            texts.append(hoso(some, own.join(keys, on="record", how="semi", maintain_order="left"), STYLES[int(str(style))], str(standard)))
        batch = batch.join(pl.concat(texts), on="record", how="left", maintain_order="left")
        for (settled, facility, issued, kind, style, type_), some in batch.group_by(
            "settled", "facility_code", "issued", "kind", "style", "type", maintain_order=True
        ):
            chosen = STYLES[int(str(style))]
            hosos = some["hoso"].to_list()
            for part in range(0, len(hosos), chosen.per_file):
                piece = hosos[part : part + chosen.per_file]
                stem = f"{facility}_{settled:%Y%m}_{kind}_{part // chosen.per_file}"
                declared = None
                if pending and len(piece) > 1 and type_ != "TYT":
                    declared, pending = len(piece) - 1, False
                data = envelope(str(facility), int(str(issued)), piece, declared)
                if type_ == "TYT" and kind == "first":
                    archive = f"hospitals/claims/{settled:%Y-%m}/tram_y_te_{str(facility)[:2]}.zip"
                    archives.setdefault(archive, {})[f"{stem}.xml"] = data
                    path = f"{archive}!/{stem}.xml"
                else:
                    path = f"hospitals/claims/{settled:%Y-%m}/{facility}/{stem}.xml{f'.{chosen.packed}' if chosen.packed else ''}"
                    outbox.put(path, packed(data, chosen.packed))
                outbox.note(path, "claims", read=len(piece), reason="more HOSO than declared" if declared is not None else None)
    for archive, members in sorted(archives.items()):
        outbox.put(archive, zipped(members))
