"""Claim XML to raw frames on one core: MB/s of file and peak memory, beside lxml doing parts of the work.

    python benchmarks/claims_xml.py [MB]

Writes a file of that size (default 200) with invented values: base64 envelope, per claim an XML1 of 80 elements and 20 lines of
about 40 elements, 40 KB. Each step runs in a process of its own, so that its peak memory is its own; the fastest of three runs
counts. A last step reads a file of a tenth of the size: the peaks of the two show that memory does not grow with the file.
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lxml import etree

from warehouse.readers.claims import ClaimsFile
from warehouse.readers.claims_documents import KINDS, SAFELY
from warehouse.readers.claims_envelope import Envelope

RUNS = 3
UNKEPT = ("TEN_THUOC", "DON_VI_TINH", "HAM_LUONG", "LIEU_DUNG", "TT_THAU", "MA_KHOA", "MA_BAC_SI", "NGAY_YL", "NGAY_TH_YL", "MA_PTTT")


def write_file(path: Path, megabytes: int) -> int:
    """A claim file of about that size; the number of claims in it."""
    draw = random.Random(4210)
    claims = [_claim(draw) for _ in range(200)]
    count = 0
    with path.open("wb") as file:
        file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS><THONGTINHOSO><NGAYLAP>20250901</NGAYLAP><DANHSACHHOSO>\n')
        while file.tell() < megabytes * 1_000_000:
            file.write(claims[count % len(claims)])
            count += 1
        file.write(b"</DANHSACHHOSO><SOLUONGHOSO>%d</SOLUONGHOSO></THONGTINHOSO></GIAMDINHHS>\n" % count)
    return count


def _claim(draw: random.Random) -> bytes:
    parts = []
    for name, kind in KINDS.items():
        own = [e for e in kind.elements if e not in ("MA_THE", "MA_BENH", "T_TONGCHI", "THANH_TIEN", "TYLE_TT")]
        fill = 80 - len(own) if name == "1" else 40 - len(own)
        names = own + [*UNKEPT, *(f"GHI_CHU_{i}" for i in range(70))][:fill]
        records = [
            f"<{kind.record}>" + "".join(f"\n  <{n}>{_value(n, draw)}</{n}>" for n in names) + f"\n</{kind.record}>"
            for _ in range(1 if name == "1" else 10)
        ]
        opening, closing = "".join(f"<{w}>" for w in kind.wrappers), "".join(f"</{w}>" for w in reversed(kind.wrappers))
        content = base64.b64encode(f"{opening}{''.join(records)}{closing}".encode())
        parts.append(b"<FILEHOSO><LOAIHOSO>XML%s</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % (name.encode(), content))
    return b"<HOSO>" + b"".join(parts) + b"</HOSO>\n"


def _value(name: str, draw: random.Random) -> str:
    if name.startswith(("T_", "THANH", "DON_GIA", "SO_LUONG")):
        return f"{draw.randrange(10**6)}.{draw.randrange(100):02d}"
    if name.startswith(("NGAY", "GT_THE")):
        return "202508021015"
    if name.startswith(("TEN_", "HO_TEN", "LIEU", "HAM")):
        return "Dung dịch tiêm truyền " + str(draw.randrange(1000))
    return draw.choice(["", "1", str(draw.randrange(10**6)), "79001"])


def envelope_only(path: Path) -> int:
    return sum(1 for _ in _records(path))


def _records(path: Path) -> Iterator[tuple[str, etree._Element]]:
    parse = etree.iterparse(str(path), events=("end",), tag="HOSO", huge_tree=True, **SAFELY)
    for event, hoso in parse:
        yield event, hoso
        hoso.clear()
        while hoso.getprevious() is not None:
            del hoso.getparent()[0]


def envelope_and_base64(path: Path) -> int:
    return sum(len(base64.b64decode(content.text)) > 0 for _, hoso in _records(path) for content in hoso.iter("NOIDUNGFILE"))


def lxml_every_element(path: Path) -> int:
    """Every element of the three tables, as texts by name: what a plain lxml reader does."""
    seen = 0
    rows: list[dict[str, str | None]] = []
    for _, hoso in _records(path):
        for content in hoso.iter("NOIDUNGFILE"):
            for record in etree.fromstring(base64.b64decode(content.text)).iter("TONG_HOP", "CHI_TIET_THUOC", "CHI_TIET_DVKT"):
                rows.append({e.tag: e.text for e in record})
                seen += 1
        if len(rows) > 50_000:
            rows = []
    return seen


def our_envelope(path: Path) -> int:
    return sum(len(hoso.documents) for hoso in Envelope(path))


def ours(path: Path) -> int:
    return sum(batch.claims.height + batch.lines.height for batch in ClaimsFile(path))


STEPS: dict[str, Callable[[Path], int]] = {
    "envelope only (lxml)": envelope_only,
    "envelope and base64 (lxml)": envelope_and_base64,
    "lxml, every element": lxml_every_element,
    "our envelope and base64": our_envelope,
    "ours, raw frames": ours,
}
SMALL = "ours, a tenth of the file"


def measure(step: str, path: Path) -> None:
    """Run one step in this process and print its line."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        STEPS.get(step, ours)(path)
        best = min(best, time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{step:28} {path.stat().st_size / best / 1e6:8.0f} MB/s {peak:8.0f} MiB peak", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("megabytes", nargs="?", type=int, default=200)
    parser.add_argument("--one", nargs=2, metavar=("STEP", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], Path(arguments.one[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "large.xml", Path(folder) / "small.xml"
        count = write_file(large, arguments.megabytes)
        write_file(small, arguments.megabytes // 10)
        print(f"{count} claims, {large.stat().st_size / 1e6:.0f} MB, {large.stat().st_size / count / 1000:.0f} KB a claim")
        for step in (*STEPS, SMALL):
            subprocess.run([sys.executable, __file__, "--one", step, str(small if step == SMALL else large)], check=True)


if __name__ == "__main__":
    main()
