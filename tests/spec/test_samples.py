"""What the sample exports are: reproducible, right to the đồng, in every format, and with a truth that adds up."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import zstandard
from lxml import etree
from stdnum.vn import mst

from warehouse.samples import legacy_text, write

MONTHS = (date(2025, 6, 1), date(2025, 8, 1))
PERSONS = 800


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    write(out, persons=PERSONS, months=MONTHS, seed=5, faults=True)
    return out


def prints(out: Path) -> dict[str, tuple[str, int]]:
    """Each file's hash and modification time, truth included (its times do not matter)."""
    landing = out / "landing"
    files = {str(p.relative_to(out)): p for p in sorted(out.rglob("*")) if p.is_file()}
    return {
        n: (hashlib.sha256(p.read_bytes()).hexdigest(), int(p.stat().st_mtime) if landing in p.parents else 0) for n, p in files.items()
    }


def unpacked(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return [gzip.decompress(data)]
    if path.suffix == ".zst":
        return [zstandard.ZstdDecompressor().decompressobj().decompress(data)]
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [archive.read(n) for n in sorted(archive.namelist())]
    return [data]


def claim_files(out: Path) -> list[etree._Element]:
    folder = out / "landing" / "hospitals" / "claims"
    sound = [p for p in sorted(folder.rglob("*")) if p.is_file() and "loi" not in p.parts and "ban_sao" not in p.parts]
    return [etree.fromstring(data) for path in sound for data in unpacked(path)]


def documents(hoso: etree._Element) -> dict[str, etree._Element]:
    """XML1, XML2 ... of a HOSO, whatever NOIDUNGFILE holds."""
    found = {}
    for part in hoso.findall("FILEHOSO"):
        content = part.find("NOIDUNGFILE")
        assert content is not None
        if len(content):
            found[part.findtext("LOAIHOSO")] = content[0]
        elif content.text and content.text.strip():
            found[part.findtext("LOAIHOSO")] = etree.fromstring(base64.b64decode(content.text).decode("utf-8-sig").encode())
    return {str(k): v for k, v in found.items()}


def truth(out: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(out / "truth" / f"{name}.parquet")


# The same world each time


def test_the_same_seed_gives_the_same_bytes_and_times(world: Path, tmp_path: Path) -> None:
    write(tmp_path, persons=PERSONS, months=MONTHS, seed=5, faults=True)
    assert prints(tmp_path) == prints(world)


def test_another_seed_gives_another_world(world: Path, tmp_path: Path) -> None:
    write(tmp_path, persons=PERSONS, months=MONTHS, seed=6)
    assert not truth(tmp_path, "persons").equals(truth(world, "persons"))


def test_faults_change_nothing_in_the_expected_figures(world: Path, tmp_path: Path) -> None:
    write(tmp_path, persons=PERSONS, months=MONTHS, seed=5, faults=False)
    marts = {p.name for p in (world / "truth").glob("*_*.parquet")}
    assert len(marts) >= 15
    for name in marts:
        assert (tmp_path / "truth" / name).read_bytes() == (world / "truth" / name).read_bytes(), name


@pytest.mark.parametrize(
    ("persons", "months", "provinces", "words"),
    [
        (499, MONTHS, None, "500 persons"),
        (600, (date(2025, 8, 1), date(2025, 6, 1)), None, "last month"),
        (600, MONTHS, ["99"], "99"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    tmp_path: Path, persons: int, months: tuple[date, date], provinces: list[str] | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        write(tmp_path, persons=persons, months=months, seed=1, provinces=provinces)


def test_one_province_and_one_month_are_a_world_too(tmp_path: Path) -> None:
    write(tmp_path, persons=600, months=(date(2025, 9, 1), date(2025, 9, 1)), seed=3, provinces=["22"])
    assert truth(tmp_path, "coverage_nation_month")["provinces_reporting"].to_list() == [1]


@pytest.mark.parametrize(
    ("months", "standard"), [((date(2024, 4, 1), date(2024, 5, 1)), "MA_THE"), ((date(2025, 12, 1), date(2026, 1, 1)), "MA_THE_BHYT")]
)
def test_months_before_the_reform_of_claims_and_across_a_new_year(tmp_path: Path, months: tuple[date, date], standard: str) -> None:
    write(tmp_path, persons=600, months=months, seed=2, provinces=["24", "27"])
    nation = truth(tmp_path, "coverage_nation_month")
    assert nation["month"].to_list() == list(months)
    cards = [documents(h)["XML1"].findtext(standard) for f in claim_files(tmp_path) for h in f.iter("HOSO")]
    assert any(cards)


# Claims


def test_sums_of_lines_equal_the_header_except_where_a_signal_wants_it(world: Path) -> None:
    off = 0
    for file in claim_files(world):
        for hoso in file.iter("HOSO"):
            parts = documents(hoso)
            header = parts["XML1"]
            old = header.find("MA_THE") is not None
            lines = [line for k in ("XML2", "XML3") if k in parts for line in parts[k].iter("CHI_TIET_THUOC", "CHI_TIET_DVKT")]
            assert lines

            def sum_of(name: str, lines: list[etree._Element] = lines) -> Decimal:
                return sum((Decimal(str(line.findtext(name))) for line in lines), Decimal(0))

            def head(name: str, header: etree._Element = header) -> Decimal:
                return Decimal(str(header.findtext(name)))

            total = head("T_TONGCHI" if old else "T_TONGCHI_BV")
            off += total != sum_of("THANH_TIEN" if old else "THANH_TIEN_BV")
            if not old:
                assert head("T_TONGCHI_BH") == sum_of("THANH_TIEN_BH") == head("T_BHTT") + head("T_BNCCT")
            for name in ("T_BHTT", "T_BNCCT", "T_BNTT"):
                assert head(name) == sum_of(name)
    flagged = truth(world, "claim_signals_month").filter(pl.col("signal") == "amount_mismatch")["claims"].sum()
    assert off == flagged > 0


def test_claims_come_in_every_way_of_the_contract(world: Path) -> None:
    seen: set[str] = set()
    orders: set[tuple[str, ...]] = set()
    for file in claim_files(world):
        hosos = list(file.iter("HOSO"))
        declared = int(str(file.findtext(".//SOLUONGHOSO")))
        seen.add("several" if len(hosos) > 1 else "one")
        seen.add("under-declared" if declared < len(hosos) else "declared")
        assert declared <= len(hosos)
        for hoso in hosos:
            header = documents(hoso)["XML1"]
            orders.add(tuple(str(e.tag) for e in header))
            seen.add("4210" if header.find("MA_THE") is not None else "130")
            seen.update({"withdrawn"} if header.findtext("MA_DOITUONG_KCB") == "8" else ())
            content = str(hoso.find(".//NOIDUNGFILE").text or "")  # type: ignore[union-attr]
            seen.add("inline" if hoso.find(".//NOIDUNGFILE/*") is not None else "wrapped" if "\n" in content.strip() else "base64")
            seen.update({"list of cards"} if ";" in (header.findtext("MA_THE_BHYT") or "") else ())
    assert seen >= {"several", "one", "under-declared", "4210", "130", "withdrawn", "inline", "wrapped", "base64", "list of cards"}
    assert len(orders) >= 6
    raw = b"".join(d for p in (world / "landing/hospitals/claims").rglob("*") if p.is_file() and "loi" not in p.parts for d in unpacked(p))
    assert b"<![CDATA[" in raw
    assert b"<!--" in raw


def test_markers_of_hiv_and_tuberculosis_are_in_the_files_and_listed(world: Path) -> None:
    hidden = set()
    for file in claim_files(world):
        for hoso in file.iter("HOSO"):
            for kind, document in documents(hoso).items():
                text = "".join(str(t) for t in document.itertext())
                found = set(re.findall(r"(?:HIV|TB)-MARKER-\d+", text))
                assert not found or kind in ("XML6", "XML15")
                hidden |= found
    listed = truth(world, "markers").filter(pl.col("kind").is_in(["xml6", "xml15"]))["text"].to_list()
    assert hidden
    assert hidden == set(listed)


# Files of the provinces


def test_every_format_packing_and_encoding_is_present(world: Path) -> None:
    registers = [p for p in (world / "landing/provinces/cards").rglob("*") if p.is_file() and not {"loi", "ban_sao"} & set(p.parts)]
    endings = {"".join(p.suffixes[-2:]) if p.suffix in (".gz", ".zst") else p.suffix for p in registers}
    assert {".csv", ".xlsx", ".parquet", ".zip", ".csv.gz", ".csv.zst", ".json"} <= endings
    texts = [d for p in registers if p.suffix in (".csv", ".gz", ".zst", ".zip") for d in unpacked(p)]
    label = "Giới tính"
    known = {e: legacy_text.encode(label, e) for e in ("tcvn3", "vni", "cp1258")}
    found = {e for e, b in known.items() if any(b in t for t in texts)}
    found |= {"utf-8-sig"} if any(t.startswith(b"\xef\xbb\xbf") for t in texts) else set()
    found |= {"utf-16"} if any(t.startswith(b"\xff\xfe") for t in texts) else set()
    found |= {"NFD"} if any(f"{e}\u0302\u0303".encode() in t for t in texts for e in "eE") else set()
    assert found == {"tcvn3", "vni", "cp1258", "utf-8-sig", "utf-16", "NFD"}
    first_lines = [t.split(b"\n", 1)[0] for t in texts if not t.startswith(b"\xff\xfe")]
    assert {d for d in (b",", b";", b"\t", b"|") if any(d in line for line in first_lines)} >= {b",", b";", b"\t", b"|"}
    paths = {str(p) for p in registers}
    assert any("province=" in p and "period=" in p for p in paths)
    assert any(re.search(r"_\d\d_2025-06\.", p) for p in paths)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("tcvn3", b"Nguy\xd4n \xb8nh \xae\xad\xeang"),  # toned capitals have no byte of their own
        ("vni", b"Nguye\xe3n A\xd9nh \xf1\xf6\xf4\xf8ng"),
        ("cp1258", b"Nguy\xea\xden A\xecnh \xf0\xfd\xf5\xccng"),
    ],
)
def test_old_encodings_letter_by_letter(encoding: str, expected: bytes) -> None:
    assert legacy_text.encode("Nguyễn Ánh đường", encoding) == expected
    assert legacy_text.encode_long("Nguyễn Ánh đường", encoding) == expected


def test_later_is_defined_by_modification_times(world: Path) -> None:
    files = [p for p in (world / "landing").rglob("*") if p.is_file() and not p.name.endswith(".manifest.json")]
    assert len({int(p.stat().st_mtime) for p in files}) == len(files)
    rows = truth(world, "deliveries")
    superseded = rows.filter(pl.col("status") == "superseded").row(0, named=True)
    same = (pl.col("export") == "cards") & (pl.col("province") == superseded["path"][-14:-12]) & (pl.col("period") == "2025-06")
    kept = rows.filter(same & (pl.col("status") == "loaded")).row(0, named=True)
    landing = world / "landing"
    assert (landing / superseded["path"]).stat().st_mtime < (landing / kept["path"]).stat().st_mtime


def test_tax_codes_pass_their_check_digit(world: Path) -> None:
    codes = truth(world, "employers_missing_quarter")["tax_code"].to_list()
    assert codes
    assert all(mst.is_valid(c) for c in codes)


# The truth


def test_provinces_sum_to_the_nation(world: Path) -> None:
    nation = truth(world, "coverage_nation_month")
    provinces = truth(world, "coverage_province_month")
    for part in ("province", "age_sex", "group"):
        parts = truth(world, f"coverage_{part}_month").group_by("month").agg(pl.col("insured_persons").sum()).sort("month")
        assert parts["insured_persons"].to_list() == nation["insured_persons"].to_list()
    assert (provinces["duplicate_cards"] == provinces["valid_cards"] - provinces["insured_persons"]).all()
    assert nation["duplicate_cards"].min() > 0  # type: ignore[operator]


def test_the_reform_lies_inside_the_months(world: Path) -> None:
    rows = truth(world, "coverage_province_month").select("month", "province_code", "register_month")
    july = {r["province_code"]: r["register_month"] for r in rows.filter(pl.col("month") == date(2025, 7, 1)).iter_rows(named=True)}
    assert july["24"] == date(2025, 7, 1)
    assert july["22"] == date(2025, 6, 1)  # sent nothing in July
    assert july["80"] == date(2025, 6, 1)  # its two old provinces serve until its own first register
    june = rows.filter(pl.col("month") == date(2025, 6, 1))
    assert "15" not in june.drop_nulls("register_month")["province_code"].to_list()


def test_money_is_the_same_by_facility_by_service_month_and_by_province(world: Path) -> None:
    totals = {
        name: truth(world, name)["fund_paid"].sum()
        for name in ("facility_month", "facility_service_month", "province_claims_month", "diagnosis_month")
    }
    assert len(set(totals.values())) == 1
    by_group = truth(world, "facility_cost_group_month")["fund_paid"].sum()
    assert by_group == totals["facility_month"]


def test_each_signal_and_each_cause_of_duplicates_occurs(tmp_path: Path) -> None:
    write(tmp_path, persons=3_000, months=MONTHS, seed=5)
    assert set(truth(tmp_path, "claim_signals_month")["signal"]) == {
        "outside_card_validity", "after_death", "overlapping_inpatient", "same_day_several_facilities", "frequent_visits", "several_cards",
        "amount_mismatch", "unknown_card",
    }  # fmt: skip
    persons = truth(tmp_path, "persons")
    assert set(persons["cause"].drop_nulls()) == {"two_groups", "two_provinces", "child", "old_and_new_number", "reissued", "typo"}
    # A 10-digit number names one card only, and each card one person.
    assert persons.group_by("card_number").agg(pl.col("full").n_unique())["full"].max() == 1
    assert persons.group_by("full").agg(pl.col("person").n_unique())["person"].max() == 1


def test_every_delivery_is_expected_and_its_records_add_up(world: Path) -> None:
    rows = truth(world, "deliveries")
    landing = world / "landing"
    assert rows["path"].is_unique().all()
    on_disk = {str(p.relative_to(landing)) for p in landing.rglob("*") if p.is_file() and not p.name.endswith(".manifest.json")}
    assert {p.split("!/")[0] for p in rows["path"]} == on_disk
    counts = [f"records_{w}" for w in ("read", "loaded", "quarantined", "repeated")]
    assert (rows["records_read"] == rows["records_loaded"] + rows["records_quarantined"] + rows["records_repeated"]).all()
    assert rows.filter(pl.col("status") == "refused").select(counts).sum_horizontal().sum() == 0
    loaded = rows.filter((pl.col("status") == "loaded") & (pl.col("records_read") > 0))
    assert (loaded["records_quarantined"] / loaded["records_read"]).max() < 0.05  # type: ignore[operator]


def test_the_fault_table_is_covered(world: Path) -> None:
    faults = truth(world, "faults")
    assert {
        "empty file", "not the format", "unreadable file", "encrypted zip", "zip bomb", "fewer rows than the manifest", "wrong sha256",
        "required column missing", "no province or period", "more than the limit of bad rows", "XML with DTD", "XML with entities",
        "truncated XML", "fewer HOSO than declared", "more HOSO than declared", "the same file again",
        "two files for the same province and month",
    } <= set(faults["fault"])  # fmt: skip
    assert set(faults["status"]) == {"refused", "held", "loaded", "repeated", "superseded"}
    assert set(faults["path"]) <= set(truth(world, "deliveries")["path"])
