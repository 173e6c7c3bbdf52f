"""The benchmarks by name: each makes its input, runs its steps and its peers, and returns rows for the table."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import any_order as shuffled
from benchmarks import history as month_costs
from benchmarks import inputs, measuring
from benchmarks.inputs import MONTH, Options, folder
from benchmarks.measuring import PEERS, Measured, measured, script, step
from benchmarks.results import Row

Entry = Callable[[Options], Sequence[Row]]
BHYT = (sys.executable, "-m", "flows")


def tell(words: str) -> None:
    sys.stderr.write(f"   {words}\n")
    sys.stderr.flush()


def night(home: Path, landing: Path, runs: int = 1) -> Measured:
    """`bhyt nightly`, the whole process."""
    return measured([*BHYT, "nightly"], runs=runs, COVERAGE_HOME=home, COVERAGE_LANDING=landing)


def claims_xml(options: Options) -> list[Row]:
    """Claim files of base64 XML, 40 kB a claim: file bytes to validated, typed Parquet."""
    work = folder(options, "claims_xml")
    claims = options.megabytes * 24
    tell(f"{claims} claims, {options.megabytes} MB")
    many, one, small = (
        inputs.claim_files(work / n, c, f) for n, c, f in (("many", claims, claims // 40), ("one", claims, 1), ("small", 240, 1))
    )
    (large,) = (one / "landing" / "hospitals").rglob("*.xml")
    shutil.rmtree(many / "landing" / "provinces")
    for out in (one, small):
        shutil.rmtree(out / "landing" / "provinces")
    size = large.stat().st_size / 1e6
    home = work / "home"
    files = claims // 40
    tell("one core")
    ours = step("take_in", many / "landing", home, runs=options.runs, cores=1)
    tell("two cores")
    two = step("take_in", many / "landing", home, 2, runs=options.runs, cores=2)
    tell("one file, large and small")
    in_one = step("take_in", one / "landing", home, runs=options.runs, cores=1)
    in_small = step("take_in", small / "landing", home, runs=options.runs, cores=1)
    tell("peers")
    lxml = step("lxml_every_element", large, runs=options.runs, cores=1)
    envelope = step("envelope_and_base64", large, runs=options.runs, cores=1)
    shutil.rmtree(work)
    speed = ours.said["bytes"] / 1e6 / ours.seconds
    return [
        Row("claims_xml", f"{files} files, a core", speed, "MB/s", 100, True, "lxml, every element", size / lxml.seconds, ours.peak_mib),
        Row("claims_xml", "one file, a core", size / in_one.seconds, "MB/s", 100, True, "lxml, envelope and base64 alone",
            size / envelope.seconds, in_one.peak_mib),
        Row("claims_xml", "two cores, times one", ours.seconds / two.seconds, "×", 1.8, True, peak_mib=two.peak_mib),
        Row("claims_xml", f"memory, a file of {size:.0f} MB", in_one.peak_mib, "MiB", 1024, False, "a file of 10 MB", in_small.peak_mib),
    ]  # fmt: skip


def register_csv(options: Options) -> list[Row]:
    """A register as CSV: file to typed, validated, conserved rows."""
    work = folder(options, "register_csv")
    tell(f"{options.rows} rows")
    path = inputs.register(work, options.rows)
    ours = step("take_in", work / "landing", work / "home", runs=options.runs)
    peer = None
    if PEERS.exists():
        tell("dlt")
        peer = script(Path(__file__).parent / "register" / "upsert.py", path, python=PEERS, runs=options.runs)
    shutil.rmtree(work)
    missing = "" if peer else "dlt is not installed (make peers)"
    return [Row("register_csv", f"{options.rows:,} rows", ours.seconds, "s", peer.seconds if peer else 3.7, peer="dlt upsert",
                peer_figure=peer.seconds if peer else None, peak_mib=ours.peak_mib, note=missing)]  # fmt: skip


def register_xlsx(options: Options) -> list[Row]:
    """The same as XLSX, beside fastexcel reading the cells and doing nothing else."""
    work = folder(options, "register_xlsx")
    rows = min(options.rows, 1_000_000)
    tell(f"{rows} rows; writing the workbook takes longest")
    path = inputs.register(work, rows, "xlsx")
    ours = step("take_in", work / "landing", work / "home", runs=options.runs)
    alone = step("fastexcel_alone", path, runs=options.runs)
    shutil.rmtree(work)
    return [Row("register_xlsx", f"{rows:,} rows", ours.seconds, "s", 2 * alone.seconds, peer="fastexcel alone", peer_figure=alone.seconds,
                peak_mib=ours.peak_mib, note=f"fastexcel alone: {alone.peak_mib:,.0f} MiB")]  # fmt: skip


def gx(options: Options) -> list[Row]:
    """All rules of a register through Great Expectations, beside the same conditions as plain queries."""
    work = folder(options, "gx")
    inputs.register(work, options.rows)
    inputs.claim_files(work, 34, 1)  # facility lists, and something to start Great Expectations with
    ours = step("great_expectations", work, work / "home", runs=options.runs)
    raw = step("raw_sql", work, work / "home", runs=options.runs)
    assert ours.said["failed"] == raw.said["failed"]
    shutil.rmtree(work)
    return [Row("gx", f"{ours.said['rules']} rules on {options.rows:,} cards", ours.seconds, "s", 1.5 * raw.seconds, peer="raw SQL",
                peer_figure=raw.seconds, peak_mib=ours.peak_mib)]  # fmt: skip


def person_months(options: Options) -> list[Row]:
    """Spans of validity to person-months of two years, some from 1995 and most without end; the number is checked by arithmetic."""
    n = options.rows
    ours = step("person_months", n, runs=options.runs)
    marts = step("coverage_marts", n, runs=options.runs)
    peer = step("unnest_range", n, runs=options.runs)
    return [
        Row("person_months", f"{n:,} spans to {ours.said['person_months']:,} person-months, a row each", ours.seconds, "s", 5,
            peer="unnest(range)", peer_figure=peer.seconds, peak_mib=ours.peak_mib),
        Row("person_months", f"the same spans to the {marts.said['marts']} marts that count persons", marts.seconds, "s", 5,
            peak_mib=marts.peak_mib),
    ]  # fmt: skip


def nothing_new(options: Options) -> list[Row]:
    """A night with nothing new, from the start of the process to its end."""
    work = folder(options, "nothing_new")
    inputs.claim_files(work, 4_000, 100)
    tell("the night before")
    night(work / "home", work / "landing")
    found = night(work / "home", work / "landing", options.runs)
    shutil.rmtree(work)
    return [Row("nothing_new", "whole process", found.seconds, "s", 3.5, peak_mib=found.peak_mib)]


def help(options: Options) -> list[Row]:
    """`bhyt --help`, whole process."""
    found = measured([*BHYT, "--help"], runs=max(options.runs, 3))
    return [Row("help", "whole process", found.seconds, "s", 0.4, peak_mib=found.peak_mib)]


def national(options: Options) -> list[Row]:
    """A national night on top of standing registers: claims, facility lists and some registers delivered anew, published."""
    work = folder(options, "national")
    home, out = work / "home", work
    tell(f"registers of {options.standing:,} cards")
    step("make", out, 0, 1, options.standing, 0, MONTH, runs=1)
    tell("the night that takes them in")
    first = night(home, out / "landing")
    tell(f"  {first.seconds:.0f} s, {first.tree_mib:,.0f} MiB; now {options.claims:,} claims in {options.files:,} files")
    step("make", out, options.claims, options.files, options.standing, options.changed, MONTH, runs=1)
    size = sum(f.stat().st_size for f in (out / "landing" / "hospitals").rglob("*.xml")) / 1e9
    tell(f"{size:.1f} GB; the night")
    found = night(home, out / "landing")
    told = step("agrees", out, home, runs=1)
    where = ", ".join(f"{s} {t:.0f} s" for s, t in told.said["steps"].items())
    tell(f"  {found.seconds:.0f} s, {found.tree_mib:,.0f} MiB; {where}")
    shutil.rmtree(work)
    what = f"{options.claims:,} claims, {size:.1f} GB, {options.files:,} files, {options.changed:,} changed cards on {options.standing:,}"
    return [
        Row("national", what, found.seconds / 60, "min", 8, peak_mib=found.peak_mib, note=f"figures as the truth; {where}; one run"),
        Row("national", "memory of all processes together", found.tree_mib / 1024, "GiB", 8),
        Row("national", f"the night that took in {options.standing:,} cards", first.seconds / 60, "min", peak_mib=first.peak_mib),
    ]


def growth(options: Options) -> list[Row]:
    """Ten times as many claims, and a new month on top of the old."""
    seconds = {}
    for claims in (options.claims // 10, options.claims):
        work = folder(options, "growth")
        step("make", work, claims, max(1, options.files * claims // options.claims), 0, 0, MONTH, runs=1)
        tell(f"{claims:,} claims")
        seconds[claims] = night(work / "home", work / "landing").seconds
        step("agrees", work, work / "home", runs=1)
        tell(f"  {seconds[claims]:.0f} s")
    step("make", work, options.claims // 10, max(1, options.files // 10), 0, 0, MONTH.replace(month=10), 2, runs=1)
    month = night(work / "home", work / "landing").seconds
    shutil.rmtree(work)
    small, large = seconds.values()
    return [
        Row("growth", f"t({options.claims:,}) / t({options.claims // 10:,}) claims", large / small, "×", 10.5,
            note=f"{small:.0f} s and {large:.0f} s"),
        Row("growth", f"a new month of {options.claims // 10:,} claims on {options.claims:,}", month, "s", 1.5 * small,
            peer="on nothing", peer_figure=small),
    ]  # fmt: skip


def bi_queries(options: Options) -> list[Row]:
    """What BI asks of the published file: the 95th percentile of the time of a query, beside DuckDB on the same rows as Parquet."""
    work = folder(options, "bi_queries")
    tell(f"a file of {options.facts:,} claims")
    file = inputs.bi_file(work / "coverage.duckdb", options.facts)
    rows = []
    wanted = (
        ("facility_month", 34 * 3, 0.05, "facility_month of a province, 24 months"),
        ("claim_by_chapter", 20, 1.0, "a year of facts.claim by ICD chapter"),
    )
    for name, times, limit, what in wanted:
        ours = step("bi_query", file, name, times, runs=options.runs)
        raw = step("bi_query", file, name, times, "parquet", runs=options.runs)
        rows.append(
            Row(
                "bi_queries",
                what,
                1000 * ours.seconds,
                "ms",
                1000 * limit,
                peer="Parquet",
                peer_figure=1000 * raw.seconds,
                peak_mib=ours.peak_mib,
            )
        )
    shutil.rmtree(work)
    return rows


def history(options: Options) -> list[Row]:
    """What a month costs in a warehouse of three years: processor seconds of its build, as a multiple of the last month alone."""
    tell(f"{options.persons} persons, 36 months")
    return month_costs.rows_of(month_costs.measure(options.persons, 36))


def any_order(options: Options) -> list[Row]:
    """36 months backfilled in a shuffled order by a process that is killed again and again, beside 36 consecutive nights: row by row."""
    persons = options.persons // 4
    tell(f"{persons} persons, {options.kills} kills")
    work = folder(options, "any_order")
    outcome = shuffled.measure(work, persons, 1, options.kills)
    shutil.rmtree(work)
    return shuffled.rows_of(outcome, persons)


ENTRIES: dict[str, Entry] = {
    f.__name__: f
    for f in (
        help,
        nothing_new,
        claims_xml,
        register_csv,
        register_xlsx,
        gx,
        person_months,
        bi_queries,
        growth,
        history,
        any_order,
        national,
    )
}
__all__ = ["ENTRIES", "measuring"]
