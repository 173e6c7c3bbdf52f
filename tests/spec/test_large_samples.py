"""Nights of any size: the same bytes each time, and a truth that adds up with what is in the XML."""

from __future__ import annotations

import base64
import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from warehouse.samples import large


def prints(out: Path) -> dict[str, str]:
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*")) if p.is_file()}


def test_the_truth_is_the_sum_of_the_documents(tmp_path: Path) -> None:
    large.write(tmp_path, claims=300, files=9)
    files = sorted((tmp_path / "landing" / "hospitals" / "claims").rglob("*.xml"))
    found: dict[str, tuple[int, Decimal, Decimal]] = {}
    cards: set[str] = set()
    for file in files:
        hosos = list(etree.parse(file).iter("HOSO"))
        for hoso in hosos:
            documents = [etree.fromstring(base64.b64decode(d.findtext("NOIDUNGFILE"))) for d in hoso][:3]
            claim = {e.tag: e.text or "" for e in documents[0]}
            lines = [{e.tag: e.text or "" for e in line} for d in documents[1:] for line in d.iter("CHI_TIET_THUOC", "CHI_TIET_DVKT")]
            assert sum(Decimal(x["THANH_TIEN_BV"]) for x in lines) == Decimal(claim["T_TONGCHI_BV"])
            assert {x["MA_LK"] for x in lines} == {claim["MA_LK"]}
            count, total, fund = found.get(claim["MA_CSKCB"], (0, Decimal(0), Decimal(0)))
            found[claim["MA_CSKCB"]] = (count + 1, total + Decimal(claim["T_TONGCHI_BV"]), fund + Decimal(claim["T_BHTT"]))
            cards.add(claim["MA_THE_BHYT"])
    truth = (
        pl.read_parquet(tmp_path / "truth" / "facility_month.parquet")
        .group_by("facility_code")
        .agg(pl.col("visits", "total_cost", "fund_paid").sum())
    )
    assert len(files) == 9
    assert {code: (visits, total, fund) for code, visits, total, fund in truth.iter_rows()} == found
    assert sum(count for count, _, _ in found.values()) == 300
    assert len(cards) == 300


def test_the_same_arguments_give_the_same_bytes_and_cards_are_those_of_the_claims(tmp_path: Path) -> None:
    for name in ("a", "b"):
        large.write(tmp_path / name, claims=40, files=3, cards=500, month=date(2025, 8, 1))
    assert prints(tmp_path / "a") == prints(tmp_path / "b")
    registers = sorted((tmp_path / "a" / "landing" / "provinces" / "cards").glob("*.csv"))
    cards = pl.concat([pl.read_csv(r, infer_schema=False) for r in registers])
    assert (len(registers), cards.height, cards["MA_THE_BHYT"].n_unique()) == (34, 500, 500)
    claims = "".join(
        base64.b64decode(d).decode()
        for f in (tmp_path / "a" / "landing" / "hospitals" / "claims").rglob("*.xml")
        for d in etree.parse(f).xpath("//FILEHOSO[LOAIHOSO='XML1']/NOIDUNGFILE/text()")
    )
    said = {t.split("</MA_THE_BHYT>")[0] for t in claims.split("<MA_THE_BHYT>")[1:]}
    assert len(said) == 40
    assert said <= set(cards["MA_THE_BHYT"])


def test_a_second_delivery_withdraws_some_cards_of_the_last_provinces(tmp_path: Path) -> None:
    large.write(tmp_path, cards=3_400, changed=150)
    again = sorted((tmp_path / "landing" / "provinces" / "cards" / "again").glob("*.csv"))
    assert len(again) == 2
    assert 0 < pl.concat([pl.read_csv(r, infer_schema=False) for r in again])["NGAY_GIAM"].count() < 20


def test_a_claim_file_is_never_empty(tmp_path: Path) -> None:
    assert large.sizes(1_000, 400, 1).sum() == 1_000
    assert large.sizes(1_000, 400, 1).min() >= 1
    with pytest.raises(ValueError, match="at least one claim"):
        large.write(tmp_path, claims=3, files=4)
