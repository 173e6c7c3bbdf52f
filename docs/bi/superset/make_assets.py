"""Write `assets/`: the dashboards of `dashboards.py` in Superset's import format. A test fails when the files are stale.

Types of the columns come from the declared tables, so no warehouse is needed: the queries are described on empty ones.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml
from charts import DATABASE, Chart, Dashboard, Dataset, Yaml, uuid
from dashboards import DASHBOARDS, DATASETS

from expectations.marts import BI_TABLES
from expectations.marts.quality import META
from warehouse.definitions import create

HERE = Path(__file__).resolve().parent
URI = "duckdb:///__COVERAGE_WAREHOUSE__"  # serve.py puts the path of the published file in its place
TYPES = {"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "VARCHAR": "VARCHAR", "BOOLEAN": "BOOLEAN", "DOUBLE": "DOUBLE"}
LABELS = {
    "insured_persons": "Người tham gia", "population": "Dân số", "coverage_pct": "Bao phủ, %", "received_at": "Nhận lúc", "export": "Nguồn", "path": "Tệp",
    "reason": "Lý do", "records_read": "Dòng đã đọc", "records_loaded": "Dòng đã nạp", "records_quarantined": "Dòng cách ly", "tax_code": "Mã số thuế",
    "name": "Tên đơn vị", "employees_paid": "Người được trả lương", "employees_insured": "Người có thẻ", "employees_missing": "Còn thiếu",
}  # fmt: skip
# The same thing has the same colour on all three dashboards.
COLOURS = {
    "Bao phủ, %": "#0072B2", "Đã công bố, %": "#0072B2", "Chỉ tiêu, %": "#E69F00", "Quỹ chi, đ": "#0072B2", "Dự toán năm, đ": "#E69F00", "Nội trú": "#E69F00",
    "Ngoại trú": "#0072B2", "Mất bảo hiểm, người": "#D55E00", "Gia hạn, người": "#0072B2", "Nam": "#0072B2", "Nữ": "#E69F00", "Đã nạp": "#0072B2",
    "Từ chối": "#D55E00", "Tạm giữ": "#E69F00", "Trùng lặp": "#999999", "Đã thay thế": "#56B4E9", "warning": "#56B4E9", "error": "#D55E00",
}  # fmt: skip


def described(datasets: tuple[Dataset, ...]) -> dict[str, list[tuple[str, str]]]:
    """Columns and types of each dataset's query."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS coverage")
        for table in (*BI_TABLES, *META):
            create(connection, "coverage", table)
        connection.execute("USE coverage")
        return {d.name: [(r[0], r[1]) for r in connection.execute(f"DESCRIBE {d.sql}").fetchall()] for d in datasets}


def labels() -> dict[str, str]:
    """What readers see in place of a column's name: the Vietnamese term, where a declaration has one."""
    found = {f.name: f.vietnamese for t in BI_TABLES for f in t.fields if f.vietnamese}
    return (
        LABELS
        | found
        | {"province_name": "Tỉnh, thành phố", "care": "Hình thức khám chữa bệnh", "state": "Trạng thái", "group_name": "Nhóm đối tượng"}
    )


def database() -> Yaml:
    extra = {"engine_params": {"connect_args": {"read_only": True}}, "allows_virtual_table_explore": True, "metadata_params": {}}
    return {"database_name": DATABASE, "sqlalchemy_uri": URI, "cache_timeout": None, "expose_in_sqllab": True, "allow_run_async": False,
            "allow_ctas": False, "allow_cvas": False, "allow_dml": False, "allow_file_upload": False, "extra": extra,
            "uuid": uuid("database", DATABASE), "version": "1.0.0"}  # fmt: skip


def dataset(d: Dataset, columns: list[tuple[str, str]], names: dict[str, str]) -> Yaml:
    made = [
        {"column_name": name, "verbose_name": names.get(name), "is_dttm": kind in ("DATE", "TIMESTAMP"), "is_active": True,
         "type": TYPES.get(kind, "NUMERIC"), "groupby": True, "filterable": True, "expression": None, "description": None, "python_date_format": None}
        for name, kind in columns
    ]  # fmt: skip
    return {"table_name": d.name, "main_dttm_col": d.time, "description": None, "default_endpoint": None, "offset": 0, "cache_timeout": None,
            "catalog": None, "schema": None, "sql": d.sql, "params": None, "template_params": None, "filter_select_enabled": True,
            "fetch_values_predicate": None, "extra": None, "normalize_columns": False, "always_filter_main_dttm": False,
            "uuid": uuid("dataset", d.name), "metrics": [], "columns": made, "version": "1.0.0",
            "database_uuid": uuid("database", DATABASE)}  # fmt: skip


def chart(c: Chart) -> Yaml:
    params = {"viz_type": c.kind, "color_scheme": "okabeIto", "adhoc_filters": [], **c.params}
    return {"slice_name": c.title, "viz_type": c.kind, "params": params, "query_context": None, "cache_timeout": None, "description": None,
            "certified_by": None, "certification_details": None, "uuid": uuid("chart", c.title + c.dataset), "version": "1.0.0",
            "dataset_uuid": uuid("dataset", c.dataset)}  # fmt: skip


def position(d: Dashboard) -> Yaml:
    """The grid: rows of charts, each with its width in twelfths and its height in pixels."""
    grid: list[str] = []
    made: dict[str, Any] = {"DASHBOARD_VERSION_KEY": "v2", "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
                            "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": d.title}}}  # fmt: skip
    for n, row in enumerate(d.rows):
        row_id = f"ROW-{d.slug}-{n}"
        children = []
        for m, c in enumerate(row if not isinstance(row, str) else ()):
            chart_id = f"CHART-{d.slug}-{n}-{m}"
            children.append(chart_id)
            meta = {"uuid": uuid("chart", c.title + c.dataset), "width": c.width, "height": c.height, "sliceName": c.title, "chartId": 0}
            made[chart_id] = {"type": "CHART", "id": chart_id, "children": [], "parents": ["ROOT_ID", "GRID_ID", row_id], "meta": meta}
        made[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": children,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        grid.append(row_id)
    made["GRID_ID"] = {"type": "GRID", "id": "GRID_ID", "children": grid, "parents": ["ROOT_ID"]}
    return made


def province_filter(d: Dashboard) -> list[Yaml]:
    """A filter that every chart with a `province_name` follows."""
    target = next(x.name for x in DATASETS if x.name == d.charts[-1].dataset)
    return [
        {"id": f"NATIVE_FILTER-{d.slug}-province", "name": "Tỉnh, thành phố", "filterType": "filter_select", "type": "NATIVE_FILTER", "description": "",
         "targets": [{"datasetUuid": uuid("dataset", target), "column": {"name": "province_name"}}], "cascadeParentIds": [],
         "scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
         "controlValues": {"enableEmptyFilter": False, "defaultToFirstItem": False, "multiSelect": True, "searchAllOptions": False, "inverseSelection": False}}
    ]  # fmt: skip


def dashboard(d: Dashboard) -> Yaml:
    metadata = {"color_scheme": "okabeIto", "refresh_frequency": 0, "cross_filters_enabled": True, "timed_refresh_immune_slices": [],
                "expanded_slices": {}, "label_colors": COLOURS, "native_filter_configuration": province_filter(d) if d.filter_by_province else []}  # fmt: skip
    return {"dashboard_title": d.title, "description": None, "css": "", "slug": d.slug, "certified_by": "", "certification_details": "", "published": True,
            "uuid": uuid("dashboard", d.slug), "position": position(d), "metadata": metadata, "version": "1.0.0"}  # fmt: skip


def assets() -> dict[str, Yaml]:
    """File name → content of all that is imported."""
    columns, names = described(DATASETS), labels()
    made: dict[str, Yaml] = {"metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-11-23T00:00:00+00:00"},
                             "databases/coverage.yaml": database()}  # fmt: skip
    made |= {f"datasets/coverage/{d.name}.yaml": dataset(d, columns[d.name], names) for d in DATASETS}
    for d in DASHBOARDS:
        made[f"dashboards/{d.slug}.yaml"] = dashboard(d)
        for n, c in enumerate(d.charts, 1):
            made[f"charts/{d.slug}_{n:02d}.yaml"] = chart(c)
    return made


def written(content: Yaml) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=140)


def write(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    for name, content in assets().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(content), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "assets")
