"""What the benchmarks read and publish: made for a run in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from expectations.marts import ANALYST_TABLES, BI_TABLES
from warehouse import reference
from warehouse.definitions import create
from warehouse.samples import large
from warehouse.samples.card_holders import CardHolders

MONTH = date(2025, 9, 1)


@dataclass(frozen=True)
class Options:
    """How large a run is; `work` is its folder."""

    work: Path
    claims: int = 500_000
    files: int = 13_000
    standing: int = 10_000_000
    changed: int = 300_000
    rows: int = 1_000_000
    megabytes: int = 400
    facts: int = 15_000_000
    persons: int = 20_000
    kills: int = 10
    runs: int = 3


def folder(options: Options, name: str) -> Path:
    """An empty one."""
    path = options.work / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def claim_files(out: Path, claims: int, files: int) -> Path:
    large.write(out, claims=claims, files=files)
    return out


def register(out: Path, rows: int, kind: str = "csv") -> Path:
    """One register of so many cards, as CSV or XLSX."""
    (region,) = [r for r in large.regions(500, 1_000, MONTH) if r.code == "79"]
    holders = CardHolders((replace(region, start=0, end=rows),), 1)
    cards = large.card_rows(holders.rows(np.arange(rows)), MONTH)
    path = out / "landing" / "provinces" / "cards" / f"the_79_{MONTH:%Y-%m}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "csv":
        cards.write_csv(path)
        return path
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("cards")
        for number, row in enumerate((tuple(cards.columns), *cards.iter_rows())):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write_string(number, column, value)
    return path


def bi_file(path: Path, claims: int) -> Path:
    """A warehouse as BI opens it, with 24 months of 13,000 facilities and a year of claims; the same tables as Parquet beside it."""
    by_name = {t.qualified_name: t for t in (*BI_TABLES, *ANALYST_TABLES)}
    facility = {
        "month": "(DATE '2024-01-01' + INTERVAL 1 MONTH * (i // 26000)::INTEGER)",
        "facility_code": "lpad((i // 2 % 13000)::VARCHAR, 5, '0')",
        "province_code": "lpad((i // 2 % 13000 // 383 + 1)::VARCHAR, 2, '0')",
        "care_type": "CASE WHEN i % 2 = 0 THEN 'inpatient' ELSE 'outpatient' END",
    }  # fmt: skip
    claim = {
        "month": "(DATE '2025-01-01' + INTERVAL 1 MONTH * (i * 12 // {rows})::INTEGER)", "claim_key": "md5(i::VARCHAR)",
        "person_key": "md5((hash(i) % 5000000)::VARCHAR)", "facility_code": "lpad((hash(i, 1) % 13000)::VARCHAR, 5, '0')",
        "main_icd": "chr(65 + (hash(i, 2) % 26)::INTEGER) || lpad((hash(i, 3) % 100)::VARCHAR, 2, '0')",
    }  # fmt: skip
    kinds = {
        "VARCHAR": "'x' || (hash(i, {n}) % 9)", "DATE": "DATE '2025-01-01'", "BIGINT": "(hash(i, {n}) % 1000)::BIGINT",
        "DOUBLE": "(hash(i, {n}) % 10000) / 100.0", "DECIMAL(18,2)": "(hash(i, {n}) % 100000000)::DECIMAL(18,2)",
    }  # fmt: skip
    path.unlink(missing_ok=True)
    icd = reference.frame("icd").select("icd_code", "icd_chapter")
    with duckdb.connect() as c:
        c.execute(f"ATTACH '{path}' AS bi")
        for name, values, rows in (("marts.facility_month", facility, 24 * 26_000), ("facts.claim", claim, claims)):
            table = by_name[name]
            create(c, "bi", table)
            columns = [(f, values.get(f.name) or kinds[f.kind.duckdb]) for f in table.fields]
            chosen = ", ".join(f"({text.format(n=n, rows=rows)})::{f.kind.duckdb} AS {f.name}" for n, (f, text) in enumerate(columns))
            c.execute(f"INSERT INTO bi.{name} SELECT {chosen} FROM range({rows}) AS r(i)")
            c.execute(f"COPY bi.{name} TO '{path.with_name(name)}.parquet' (FORMAT parquet)")
        c.execute("CREATE SCHEMA bi.dims")
        c.register("icd", icd.to_arrow())
        c.execute("CREATE TABLE bi.dims.icd AS SELECT * FROM icd")
        c.execute(f"COPY bi.dims.icd TO '{path.with_name('dims.icd')}.parquet' (FORMAT parquet)")
    return path
