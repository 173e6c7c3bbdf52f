"""quality.* and meta.*: what was received, which rules held, what is published."""

from expectations.declare import DATE, INTEGER, MONTH, RATE, TEXT, TIMESTAMP, Field, Rule, Table
from expectations.rules import ERROR

COUNT = "records"

DELIVERIES = Table(
    schema="quality", name="deliveries", key=("delivery_id",), vietnamese="Các lần giao dữ liệu",
    grain="One row per file received, or member of an archive.",
    source="the ledger",
    fields=(
        Field("delivery_id", TEXT, "Delivery: hash of path and content"),
        Field("export", TEXT, "Export that the folder stands for; NULL when the folder is none of the eight"),
        Field("path", TEXT, "Path in the landing zone; archive members after !/"),
        Field("sha256", TEXT, "SHA-256 of the file as received, or of the member"),
        Field("province_code", TEXT, "Province code that came with the file (manifest, path or file name)"),
        Field("period", MONTH, "Month that came with the file, first day"),
        Field("received_at", TIMESTAMP, "When the pipeline first saw it (UTC)"),
        Field("status", TEXT, "loaded, repeated, refused, held or superseded"),
        Field("reason", TEXT, "Why it was refused, held, repeated or superseded, and where"),
        Field("records_declared", INTEGER, "Records that the manifest or the envelope declares", unit=COUNT),
        Field("records_read", INTEGER, "Records read = loaded + quarantined + repeated", unit=COUNT),
        Field("records_loaded", INTEGER, "Records loaded", unit=COUNT),
        Field("records_quarantined", INTEGER, "Records in quarantine", unit=COUNT),
        Field("records_repeated", INTEGER, "Records of a repeated delivery", unit=COUNT),
        Field("modified_at", TIMESTAMP, "Modification time of the file (UTC)"),
    ),
    rules=(
        Rule("deliveries.conservation", ERROR, "records_read <> records_loaded + records_quarantined + records_repeated",
             "records read are not the sum of loaded, quarantined and repeated", "This is a defect of the software: report it."),
        Rule("deliveries.status", ERROR, "status NOT IN ('loaded', 'repeated', 'refused', 'held', 'superseded')",
             "a status that the contract does not know", "This is a defect of the software: report it."),
        Rule("deliveries.refused_counts", ERROR, "status = 'refused' AND records_read + records_loaded + records_quarantined <> 0",
             "a refused delivery has counts", "This is a defect of the software: report it."),
    ),
)  # fmt: skip

RESULTS = Table(
    schema="quality", name="results", key=("delivery_id", "rule"), vietnamese="Kết quả kiểm tra",
    grain="One row per rule and delivery; rules of marts have the mart's name in place of a delivery.",
    source="Great Expectations",
    fields=(
        Field("delivery_id", TEXT, "Delivery, or qualified name of a mart"),
        Field("rule", TEXT, "Rule"),
        Field("severity", TEXT, "error or warning"),
        Field("checked", INTEGER, "Rows checked", unit="rows"),
        Field("failed", INTEGER, "Rows that break the rule", unit="rows"),
        Field("failed_pct", RATE, "Share of rows that break it", unit="percent"),
        Field("status", TEXT, "passed, failed, not_applicable or error"),
    ),
)  # fmt: skip

QUARANTINE = Table(
    schema="quality", name="quarantine", key=("delivery_id", "row_number", "rule"), vietnamese="Dòng bị cách ly",
    grain="One row per quarantined record and rule that it breaks; no personal values.",
    source="the ledger",
    fields=(
        Field("delivery_id", TEXT, "Delivery"),
        Field("row_number", INTEGER, "Spreadsheet row, or ordinal of the HOSO or Parquet row"),
        Field("rule", TEXT, "Rule that the record breaks"),
        Field("reason", TEXT, "What is wrong, in words"),
    ),
)  # fmt: skip

TIMINGS = Table(
    schema="quality", name="timings", key=("run_id", "step"), vietnamese="Thời gian xử lý",
    grain="One row per run and step: where the time went. Of the run that built this version the steps before the build.",
    source="the ledger",
    fields=(
        Field("run_id", TEXT, "Run"),
        Field("place", INTEGER, "Place of the step in its run, from 1"),
        Field("step", TEXT, "look, read, validate, record, persons, build, audit, publish"),
        Field("seconds", RATE, "Time that it took by the clock", unit="seconds"),
        Field("files", INTEGER, "Deliveries that it worked on; NULL where that says nothing", unit="deliveries"),
        Field("records", INTEGER, "Records that it worked on; NULL where that says nothing", unit=COUNT),
        Field("megabytes", RATE, "Size of those deliveries as received, in millions of bytes", unit="MB"),
        Field("megabytes_per_second", RATE, "Their size by the time", unit="MB/s"),
    ),
)  # fmt: skip

SNAPSHOT = Table(
    schema="meta", name="snapshot", key=("run_id",), vietnamese="Phiên bản công bố", grain="One row: what is published.",
    fields=(
        Field("run_id", TEXT, "Run that built it"),
        Field("published_at", TIMESTAMP, "When it was built (UTC)"),
        Field("code_version", TEXT, "Version of the software, with a hash of its code"),
        Field("months_from", DATE, "First month of the coverage marts"),
        Field("months_to", DATE, "Last month of the coverage marts"),
    ),
)  # fmt: skip

DICTIONARY = Table(
    schema="meta", name="dictionary", key=("table_name", "column_name"), vietnamese="Từ điển dữ liệu",
    grain="One row per table (column_name empty) and per column.",
    fields=(
        Field("table_name", TEXT, "Table, with its schema"),
        Field("column_name", TEXT, "Column; empty for the table itself"),
        Field("data_type", TEXT, "Type in DuckDB"),
        Field("unit", TEXT, "Unit"),
        Field("vietnamese", TEXT, "Vietnamese term"),
        Field("meaning", TEXT, "Meaning; for a table its grain"),
        Field("key", TEXT, "For a table its key; for a column yes when part of it"),
        Field("source", TEXT, "Legal source, or element of the export"),
    ),
)  # fmt: skip

BUILD = Table(
    schema="meta", name="build", key=("table_name",), vietnamese="Dấu vết xây dựng",
    grain="One row per table: the fingerprint of its query and of all that it reads.",
    fields=(
        Field("table_name", TEXT, "Table, with its schema"),
        Field("fingerprint", TEXT, "SHA-256 over the query and the fingerprints of what it reads; equal means that it need not be built again"),
        Field("rows", INTEGER, "Rows", unit="rows"),
    ),
)  # fmt: skip

QUALITY = (DELIVERIES, RESULTS, QUARANTINE, TIMINGS)
META = (SNAPSHOT, DICTIONARY, BUILD)
