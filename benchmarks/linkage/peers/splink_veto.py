"""Splink with veto rules after it: what an expert adds once families have been merged.

    .peers/bin/python benchmarks/linkage/peers/splink_veto.py FOLDER

reads `splink_edges.parquet` of FOLDER (`splink_fast.py` made it), refuses pairs whose given names differ by more than a letter while no
number is shared, and pairs of two verified CCCDs more than a digit apart, and writes `splink_veto_edges.parquet`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb


def veto(folder: Path) -> dict[str, float]:
    """Seconds."""
    start = time.perf_counter()
    con = duckdb.connect()
    kept = con.execute(
        'SELECT "left", "right", weight FROM read_parquet(?) WHERE (same_given_name OR shared_number) AND NOT two_citizens',
        [str(folder / "splink_edges.parquet")],
    ).to_arrow_table()
    con.register("kept", kept)
    con.table("kept").to_parquet(str(folder / "splink_veto_edges.parquet"))
    return {"veto": time.perf_counter() - start}


if __name__ == "__main__":
    print(json.dumps({"seconds": veto(Path(sys.argv[1]))}))
