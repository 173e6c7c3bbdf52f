"""One of every row of the contract's table "What a bad input gets", placed so that no expected figure changes."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from expectations.exports.cards import CARDS
from expectations.exports.facilities import FACILITIES
from warehouse.samples.claim_files import envelope, hoso, lines_of
from warehouse.samples.claim_xml import Style
from warehouse.samples.damage import BadRows
from warehouse.samples.dialects import Dialect
from warehouse.samples.outbox import Outbox, table_bytes, zipped
from warehouse.samples.window import Window

SCHEMA = {
    "path": pl.String,
    "fault": pl.String,
    "status": pl.String,
    "word": pl.String,
    "records_read": pl.Int64,
    "records_quarantined": pl.Int64,
}
_BOMB_BYTES = 201_000_000
_HELD_PROVINCE = "38"  # delivers nothing else, so that what is held is missed by nobody


@dataclass
class Faults:
    """Writes faulty files and notes what each must get."""

    outbox: Outbox
    rows: list[tuple[str, str, str, str, int, int]]

    def put(self, path: str, data: bytes, fault: str, word: str, **told: object) -> None:
        """A file that is refused whole."""
        self.outbox.put(path, data)
        if told:
            self.outbox.sidecar(path, told)
        self.note(path, fault, word)

    def note(
        self, path: str, fault: str, word: str, status: str = "refused", read: int = 0, quarantined: int = 0, repeated: int = 0
    ) -> None:
        export = next(e for e in ("cards", "facilities", "claims", "population", "budgets") if f"/{e}/" in f"/{path}")
        known = {d["path"] for d in self.outbox.deliveries}
        if path not in known:
            self.outbox.note(path, export, status=status, read=read, quarantined=quarantined, repeated=repeated, reason=word)
        self.rows.append((path, fault, status, word, read, quarantined))


def write_faults(
    outbox: Outbox, bad: BadRows, claims: pl.DataFrame, lines: pl.DataFrame, spans: pl.DataFrame, window: Window
) -> pl.DataFrame:
    """Write them below `outbox.landing`. Returns one row per fault: `path, fault, status, word` (of the reason), `records_read,
    records_quarantined`. `bad`: the rows that were slipped into sound registers; `claims`, `lines`: the current claims."""
    faults = Faults(outbox, [])
    month = f"{window.first:%Y-%m}"
    rows = _register(spans)
    plain = table_bytes(rows, CARDS, Dialect())
    _files_that_are_none(faults, month)
    _registers(faults, rows, plain, month)
    _claims(faults, claims, lines)
    _repeats(faults, month)
    _superseded(faults, rows, month)
    for path, rule, count in bad.where:
        faults.note(path, rule, rule.split(".")[1], "loaded", 0, count)
    return pl.DataFrame(faults.rows, schema=SCHEMA, orient="row").sort("path", "fault")


def _register(spans: pl.DataFrame) -> pl.DataFrame:
    """A small sound register of people who are registered elsewhere."""
    day = pl.from_epoch(pl.col("birth"), time_unit="d").dt.strftime("%Y%m%d")
    return spans.head(40).select(
        MA_THE_BHYT=pl.concat_str(pl.lit("GD438"), pl.col("number").str.slice(2), pl.lit("38")),
        HO_TEN="full_name", NGAY_SINH=day, GIOI_TINH="sex", MATINH_CU_TRU=pl.lit("38"), GT_THE_TU=pl.lit("20250101"),
        GT_THE_DEN=pl.lit("20251231"),
    )  # fmt: skip


def _files_that_are_none(faults: Faults, month: str) -> None:
    folder = "provinces/cards/loi"
    faults.put(f"{folder}/rong_38_{month}.csv", b"", "empty file", "empty")
    faults.put(f"{folder}/cong_van_38_{month}.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "not the format", "PDF")
    faults.put(f"{folder}/hong_38_{month}.xlsx", b"PK\x03\x04" + bytes(range(256)) * 4, "unreadable file", "damaged")
    faults.put(
        f"{folder}/dut_38_{month}.csv.gz", gzip.compress(b"MA_THE_BHYT,HO_TEN\n" * 5_000, mtime=0)[:-20], "unreadable file", "cut off"
    )
    faults.put(f"{folder}/mat_khau_38.zip", _encrypted(), "encrypted zip", "encrypted")
    bomb = f"{folder}/bom_38.zip"
    faults.outbox.put(bomb, _bomb(f"bom_38_{month}.csv"))
    faults.note(f"{bomb}!/bom_38_{month}.csv", "zip bomb", "unpacks")
    faults.put(f"{folder}/bom_38_{month}.csv.gz", _gzip_bomb(), "zip bomb", "unpacks")


def _encrypted() -> bytes:
    """An archive whose only member is marked as encrypted, in the local and in the central header."""
    data = bytearray(zipped({"the_38.csv": b"0123456789ab MA_THE_BHYT"}))
    central = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    return bytes(data)


def _bomb(member_name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        info = zipfile.ZipInfo(member_name, (2025, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as member:
            block = b"0" * 1_000_000
            for _ in range(_BOMB_BYTES // len(block)):
                member.write(block)
    return sink.getvalue()


def _gzip_bomb() -> bytes:
    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1, mtime=0, filename="") as member:
        for _ in range(_BOMB_BYTES // 1_000_000):
            member.write(b"0" * 1_000_000)
    return sink.getvalue()


def _registers(faults: Faults, rows: pl.DataFrame, plain: bytes, month: str) -> None:
    folder = "provinces/cards/loi"
    told = {"province": "38", "period": month}
    faults.put(f"{folder}/thieu_dong.csv", plain, "fewer rows than the manifest", "rows", **told, rows=rows.height + 3)
    faults.put(f"{folder}/sai_ma.csv", plain + b"\n", "wrong sha256", "sha256", **told, sha256="0" * 64)
    without = table_bytes(rows.drop("NGAY_SINH"), CARDS, Dialect())
    faults.put(f"{folder}/thieu_cot_38_{month}.csv", without, "required column missing", "NGAY_SINH")
    faults.put(f"{folder}/khong_ro_tinh.csv", plain.replace(b"GD438", b"GD338"), "no province or period", "province")
    facilities = pl.DataFrame({"MA_CSKCB": ["38001"], "MATINH": ["38"]})
    path = f"provinces/facilities/loi/thieu_ten_38_{month}.csv"
    faults.put(path, table_bytes(facilities, FACILITIES, Dialect()), "required column missing", "TEN_CSKCB")

    held = rows.with_columns(NGAY_SINH=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("không rõ")).otherwise("NGAY_SINH"))
    path = f"{folder}/nhieu_loi_{_HELD_PROVINCE}_{month}.csv"
    faults.outbox.put(path, table_bytes(held, CARDS, Dialect()))
    faults.note(path, "more than the limit of bad rows", "limit", "held", held.height, 5)


def _claims(faults: Faults, claims: pl.DataFrame, lines: pl.DataFrame) -> None:
    style = Style("inline")
    modern = claims.filter(pl.col("standard") == "130").sort("claim").head(420)
    # Sent once more, later than anything else, exactly as they stand: a new version of each with the same amounts.
    again = modern.with_columns(record=pl.int_range(pl.len()))
    own = lines_of(again, lines.select(pl.exclude("record", "kind", "episode", "facility_code", "care_type", "month", "standard")))
    texts = hoso(again, own, style, "130")["hoso"].to_list()
    issued = int(claims["issued"].max() or 0) + 30  # type: ignore[arg-type]
    facility = str(again["facility_code"][0])

    room = len(texts) // 21  # one in twenty-two: under the limit of 5 %
    spoilt = [spoil(text) for (_, spoil), text in zip(_SPOILT[:room], texts, strict=False)]
    few = texts
    path = "hospitals/claims/loi/gui_lai.xml"
    faults.outbox.put(path, envelope(facility, issued, few + spoilt))
    faults.outbox.note(path, "claims", read=len(few) + len(spoilt), quarantined=len(spoilt))
    for rule, _ in _SPOILT[: len(spoilt)]:
        faults.rows.append((path, rule, "loaded", rule.split(".")[1], len(few) + len(spoilt), len(spoilt)))

    sound = envelope(facility, issued, texts[:3])
    folder = "hospitals/claims/loi"
    declaration, rest = sound.split(b"\n", 1)
    faults.put(
        f"{folder}/dtd.xml", declaration + b'\n<!DOCTYPE GIAMDINHHS SYSTEM "http://example.invalid/x.dtd">\n' + rest, "XML with DTD", "DTD"
    )
    entity = b'\n<!DOCTYPE GIAMDINHHS [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n'
    faults.put(f"{folder}/thuc_the.xml", declaration + entity + rest.replace(b"<NGAYLAP>", b"<NGAYLAP>&b;", 1), "XML with entities", "DTD")
    faults.put(f"{folder}/cut.xml", sound[: len(sound) * 2 // 3], "truncated XML", "XML")
    faults.put(f"{folder}/thieu_ho_so.xml", envelope(facility, issued, texts[:3], declared=4), "fewer HOSO than declared", "SOLUONGHOSO")
    faults.put(f"{folder}/bang_tinh.xml", b"MA_LK,HO_TEN\n1,A\n", "not the format", "XML")
    archive = f"{folder}/lo.zip"
    faults.outbox.put(archive, zipped({"cut.xml": sound[:500], "rong.xml": b""}))
    faults.note(f"{archive}!/cut.xml", "truncated XML", "XML")
    faults.note(f"{archive}!/rong.xml", "empty file", "empty")
    for delivery in faults.outbox.deliveries:
        if delivery["reason"] == "more HOSO than declared":
            faults.rows.append((delivery["path"], "more HOSO than declared", "loaded", "declared", delivery["records_read"], 0))


def _emptied(element: str) -> Callable[[str], str]:
    return lambda text: re.sub(f"<{element}>[^<]*</{element}>", f"<{element}></{element}>", text, count=1)


def _filled(element: str, value: str) -> Callable[[str], str]:
    return lambda text: re.sub(f"<{element}>[^<]*</{element}>", f"<{element}>{value}</{element}>", text, count=1)


_SPOILT: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("claims.episode.missing", _emptied("MA_LK")),
    ("claims.facility_code.missing", _emptied("MA_CSKCB")),
    ("claims.discharged_at.missing", _emptied("NGAY_RA")),
    ("claims.discharged_at.unreadable", _filled("NGAY_RA", "202513400000")),
    ("claims.settlement_year.missing", _emptied("NAM_QT")),
    ("claims.settlement_month.unreadable", _filled("THANG_QT", "13")),
    ("claims.fund_paid.missing", _emptied("T_BHTT")),
    ("claims.total_cost.unreadable", _filled("T_TONGCHI_BV", "một triệu")),
    ("claims.lines.unreadable", _filled("THANH_TIEN_BV", "x")),
    ("claims.row.no_xml1", lambda text: re.sub(r"<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO>.*?</FILEHOSO>", "", text, count=1, flags=re.DOTALL)),
)


def _repeats(faults: Faults, month: str) -> None:
    """The bytes of a register and of a claim file once more, under another path."""
    for export, suffix in (("cards", ".gz"), ("claims", ".xml")):
        sound = [d for d in faults.outbox.deliveries if d["export"] == export and d["status"] == "loaded" and not d["reason"]]
        first = next(d for d in sound if d["path"].endswith(suffix) and not re.search("/loi/|!", d["path"]))
        folder, name = first["path"].rsplit("/", 1)
        path = f"{folder}/ban_sao/{name}"
        data = (faults.outbox.landing / first["path"]).read_bytes()
        faults.outbox.put(path, data)
        # A repeat of the same path with the same bytes is no delivery at all; under another path it is one, and all its records are
        # repeats.
        faults.note(path, "the same file again", "same", "repeated", first["records_read"], 0, first["records_read"])


def _superseded(faults: Faults, rows: pl.DataFrame, month: str) -> None:
    """An earlier, different register of a province and month of which a later one stands."""
    later = next(d for d in faults.outbox.deliveries if d["export"] == "cards" and d["status"] == "loaded" and d["period"] == month)
    province = later["province"]
    path = f"provinces/cards/ban_dau/the_{province}_{month}.csv"
    faults.outbox.put(path, table_bytes(rows.with_columns(MATINH_CU_TRU=pl.lit(province)), CARDS, Dialect()), received=0)
    faults.note(path, "two files for the same province and month", "later", "superseded", rows.height)
