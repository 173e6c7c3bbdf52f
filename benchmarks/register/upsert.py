"""dlt as a peer: a register of cards from CSV into DuckDB, upserted by card number. Run by the Python of `make peers`.

    .peers/bin/python benchmarks/register/upsert.py FILE.csv

Prints one line of JSON: seconds (imports left out), rows.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import dlt
import pyarrow.csv


@dlt.resource(name="cards", write_disposition={"disposition": "merge", "strategy": "upsert"}, primary_key="ma_the_bhyt")
def cards(path: str):  # type: ignore[no-untyped-def]
    text = pyarrow.csv.open_csv(path, read_options=pyarrow.csv.ReadOptions(block_size=16 << 20))
    for batch in text:
        yield batch.rename_columns([n.lower() for n in batch.schema.names])


def main(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("register", destination=dlt.destinations.duckdb(str(Path(folder) / "a.duckdb")), pipelines_dir=folder)
        start = time.perf_counter()
        pipeline.run(cards(path))
        seconds = time.perf_counter() - start
        with pipeline.sql_client() as client:
            rows = client.execute_sql("SELECT count(*) FROM cards")[0][0]
    sys.stdout.write(json.dumps({"seconds": seconds, "rows": rows}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
