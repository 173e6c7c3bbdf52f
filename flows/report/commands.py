"""`bhyt report`, `bhyt official`, `bhyt export` and `bhyt status`. What they need is imported when they run.

Messages say what happened, where, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec

from cyclopts import App, Parameter

from flows import environment

if TYPE_CHECKING:
    from warehouse.settings import Settings

DONE, FAILED, USAGE = 0, 1, 2
NOTHING_PUBLISHED = "nothing is published at {file}. Put exports into {landing} and run `bhyt nightly`"
_Given = ParamSpec("_Given")


def plainly(command: Callable[_Given, int]) -> Callable[_Given, int]:
    """A disk or a database that fails is told in one line, with what to do; anything else is a defect and keeps its traceback."""

    @wraps(command)
    def told(*args: _Given.args, **options: _Given.kwargs) -> int:
        import duckdb

        try:
            return command(*args, **options)
        except OSError as error:
            where = f" {error.filename}" if error.filename else ""
            return _complain(
                f"cannot read or write{where}: {error.strerror or error}. Check that the folder is there, may be written, and has room"
            )
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            return _complain(
                f"the published warehouse does not answer: {first}. `bhyt rollback` publishes the version before; the next night repairs it"
            )

    return told


@plainly
def report(*, lang: Literal["vi", "en"] | None = None, out: Path | None = None, public: bool = False) -> int:
    """Draw the morning report of the published warehouse again.

    Parameters
    ----------
    lang
        Language of index.html, vi or en; the other one stands beside it. Default: the setting COVERAGE_LANG, else vi.
    out
        Folder to write; default <home>/reports/<run>, or <home>/reports/public with --public.
    public
        The edition that may leave: counts under 11 persons hidden, others rounded to 5, nothing about deliveries.
    """
    settings = environment.settings()
    version = _published(settings)
    if version is None:
        return FAILED
    from flows.report import page

    language = lang or settings.lang
    if public:
        from flows.report.public import public_figures

        written = page.write_figures(out or settings.reports_dir / "public", public_figures(version / "coverage.duckdb"), language)
    else:
        directory = (out or settings.reports_dir / version.name).absolute()
        docs = directory / "data_docs" / "index.html"
        written = page.write(directory, version / "coverage.duckdb", language, docs if docs.exists() else None)
    _say(f"Wrote {written} and, in the other language, {written.with_name(f'index.{_other(language)}.html')}.")
    return DONE


@plainly
def official(*, period: str, out: Path, province: str | None = None) -> int:
    """Write the report on universal coverage of a half-year or year (5063/QĐ-UBND, III–IV): an XLSX and an A4 page, in Vietnamese.

    Parameters
    ----------
    period
        2025-H1, 2025-H2 or 2025.
    out
        Folder to write.
    province
        Code of one province (34), as 79; default the nation.
    """
    from flows.report.official import Period, UnknownPlace, WrongPeriod, write

    try:
        asked = Period.of(period)
    except WrongPeriod as error:
        return _usage(str(error))
    version = _published(environment.settings())
    if version is None:
        return FAILED
    try:
        workbook, page = write(out, version / "coverage.duckdb", asked, province)
    except UnknownPlace as error:
        return _usage(str(error))
    _say(f"Wrote {workbook} and {page} (open the page in a browser to print it on A4).")
    return DONE


@plainly
def export(
    *mart: str,
    format: Annotated[Literal["parquet", "csv", "xlsx"], Parameter(name="--format")] = "parquet",
    out: Path,
    public: bool = False,
) -> int:
    """Write tables of the published warehouse to files.

    Parameters
    ----------
    mart
        Names, as coverage_province_month or dims.province.
    format
        parquet, csv (UTF-8 with BOM, for Excel) or xlsx.
    out
        Folder to write; a file per table.
    public
        For what leaves: counts under 11 persons hidden, with whatever they could be derived from; others rounded to 5.
    """
    from flows.report.export import NotForExport, write

    version = _published(environment.settings())
    if version is None:
        return FAILED
    try:
        for told in write(out, version, mart, format, public=public):
            _say(told)
    except NotForExport as error:
        return _usage(str(error))
    return DONE


@plainly
def status(*, json: bool = False) -> int:
    """What is published, how fresh each province and export is, what waits for a person, last runs, disk.

    Parameters
    ----------
    json
        The same for machines, on one line; docs/how-to/reports.md describes it.
    """
    from flows.report import status as standing

    return standing.show(environment.settings(), json=json)


def add_to(app: App) -> None:
    """Make the commands known to `bhyt`."""
    for command in (report, official, export, status):
        app.command(command)


def _published(settings: Settings) -> Path | None:
    from warehouse import publish

    try:
        version = publish.current(settings)
    except publish.NotPublished as error:
        _complain(str(error))
        return None
    if version is None:
        _complain(NOTHING_PUBLISHED.format(file=settings.published_file, landing=settings.landing_dir))
    return version


def _other(language: str) -> str:
    return "en" if language == "vi" else "vi"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> int:
    sys.stderr.write(f"bhyt: {text}\n")
    return FAILED


def _usage(text: str) -> int:
    _complain(text)
    return USAGE
