"""One lock per partition, seen by nights and backfills, gone with its holder."""

from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.backfill.zone import Zone
from warehouse.landing import scan
from warehouse.partitions import Locks, Partition, PartitionHeld
from warehouse.peek import partition_of

MARCH = Partition("cards", "22", date(2025, 3, 1))
APRIL = Partition("cards", "22", date(2025, 4, 1))
HOLDER = """
import sys, time
from datetime import date
from pathlib import Path
from warehouse.partitions import Locks, Partition
locks = Locks(Path(sys.argv[1]), "backfill 7")
locks.take_all([Partition("cards", "22", date(2025, 3, 1))])
print("held", flush=True)
time.sleep(600)
"""


def test_two_backfills_may_have_other_partitions_of_an_export_but_not_the_same(tmp_path: Path) -> None:
    with Locks(tmp_path, "backfill 1") as one, Locks(tmp_path, "backfill 2") as two:
        one.take_all([MARCH])
        two.take_all([APRIL])
        with pytest.raises(PartitionHeld, match=r"cards 22 2025-03 is being written by backfill 1 \(process \d+\)"):
            Locks(tmp_path, "backfill 3").take_all([MARCH])
        assert not Locks(tmp_path, "the night").whole("cards")
        assert Locks(tmp_path, "the night").whole("claims")


def test_a_night_that_has_an_export_alone_keeps_backfills_out_of_it(tmp_path: Path) -> None:
    with Locks(tmp_path, "the night") as night:
        assert night.whole("cards")
        with pytest.raises(PartitionHeld, match="cards is being written by the night"):
            Locks(tmp_path, "backfill 1").take_all([MARCH])
    with Locks(tmp_path, "backfill 1") as later:
        later.take_all([MARCH, APRIL])


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PartitionHeld):
            Locks(tmp_path, "the night").take_all([MARCH])
    finally:
        holder.kill()
        holder.wait()
    with Locks(tmp_path, "the night") as night:
        night.take_all([MARCH])


def test_a_night_leaves_what_a_backfill_writes_and_takes_it_the_next_time(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    march = "planning/budgets/province=22/period=2025-03/du_toan.csv"
    april = "planning/budgets/province=22/period=2025-04/du_toan.csv"
    for number, path in enumerate((march, april), start=1):
        zone.put(path, f"NAM,MATINH,DU_TOAN\n2025,22,{number}000\n")
    with Locks(zone.settings.locks_dir, "backfill 1") as locks:
        locks.take_all([replace(MARCH, export="budgets")])
        night = zone.look_and_record()
        assert set(zone.statuses()) == {april}
        assert [(x.path, x.reason) for x in night.set_aside] == [(march, "a backfill is writing budgets 22 2025-03")]
    assert zone.look_and_record().set_aside == []
    assert set(zone.statuses()) == {march, april}


def test_where_a_claim_file_says_nothing_its_first_claim_tells_the_partition(tmp_path: Path) -> None:
    inner = "<TONG_HOP><MA_LK>1</MA_LK><NAM_QT>{}</NAM_QT><THANG_QT>{}</THANG_QT><MA_CSKCB>{}</MA_CSKCB></TONG_HOP>"

    def hoso(*place: str) -> str:
        xml = base64.b64encode(inner.format(*place).encode()).decode()
        return f"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>{xml}</NOIDUNGFILE></FILEHOSO></HOSO>"

    zone = Zone(tmp_path)
    body = hoso("", "13", "22001") + hoso("2025", "3", "22001") + hoso("2025", "4", "14001")
    zone.put("hospitals/claims/moi/a.xml", f"<GIAMDINHHS><THONGTINHOSO><DANHSACHHOSO>{body}</DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>")
    zone.put("hospitals/claims/moi/b.xml", "no XML at all")
    zone.put("hospitals/claims/province=14/period=2025-05/c.xml", "<GIAMDINHHS/>")
    found = {x.path[-5:]: partition_of(x, tmp_path / "spool") for x in scan(zone.landing, {})}
    assert found == {
        "a.xml": Partition("claims", "22", date(2025, 3, 1)),
        "b.xml": Partition("claims", "00", None),
        "c.xml": Partition("claims", "14", date(2025, 5, 1)),
    }
