"""`make bench`: the benchmarks, each in processes of its own; prints a table and writes docs/performance.md.

    python -m benchmarks                      every entry, at full size (an hour or so)
    python -m benchmarks help claims_xml      these
    python -m benchmarks national --claims 50000 --files 1300 --standing 1000000 --changed 30000
    python -m benchmarks --work /big/disk     where the input is made (30 GB for a national night)

Entries that fail are told at the end, the others count. Linkage has a comparison of its own: python -m benchmarks.linkage.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from benchmarks.entries import ENTRIES
from benchmarks.inputs import Options
from benchmarks.measuring import ROOT, Failed
from benchmarks.results import keep, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", nargs="*", metavar="ENTRY", help=", ".join(ENTRIES))
    parser.add_argument("--work", type=Path, default=None)
    for f in fields(Options)[1:]:
        parser.add_argument(f"--{f.name}", type=int, default=f.default)
    asked = vars(parser.parse_args())
    names = asked.pop("entries") or [*ENTRIES, "linkage"]
    if unknown := sorted(set(names) - {*ENTRIES, "linkage"}):
        parser.error(f"no entry {', '.join(unknown)}; there are {', '.join(ENTRIES)}")
    failed = {}
    with tempfile.TemporaryDirectory(prefix="bhyt-bench-", dir=asked.pop("work")) as work:
        options = Options(Path(work), **asked)
        for name in names:
            if name == "linkage":
                continue
            sys.stderr.write(f"== {name}\n")
            try:
                rows = ENTRIES[name](options)
            except (Failed, AssertionError) as error:
                failed[name] = str(error)
                sys.stderr.write(f"   FAILED: {error}\n")
                continue
            keep(name, rows)
            sys.stdout.write(f"\n{name}\n{table(rows)}\n")
            sys.stdout.flush()
    if "linkage" in names and (ROOT / "benchmarks" / "linkage").is_dir():
        subprocess.run([sys.executable, "-m", "benchmarks.linkage"], check=True, cwd=ROOT)
    for name in failed:
        sys.stderr.write(f"failed: {name}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
