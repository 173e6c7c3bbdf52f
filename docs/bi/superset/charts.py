"""Charts, datasets and dashboards as they are declared in `dashboards.py`, and what Superset's import format wants of each.

The format is that of a dashboard exported from Superset 6.1 (YAML, one file a thing, tied together by UUIDs). UUIDs are made from names, so
that importing again replaces what was there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Yaml = dict[str, Any]

NUMBER = ",.0f"
PERCENT = ",.2f"
MONTH = "%m/%Y"
DATABASE = "Bao phủ BHYT"


def uuid(kind: str, name: str) -> str:
    """The same name has the same UUID for ever."""
    return str(uuid5(NAMESPACE_URL, f"bhyt-warehouse/superset/{kind}/{name}"))


@dataclass(frozen=True)
class Dataset:
    """A query on the published warehouse. `time` is its month column, where it has one."""

    name: str
    sql: str
    time: str | None = None


@dataclass(frozen=True)
class Chart:
    """`kind` is Superset's viz_type; `params` what it needs beside the defaults; `width` in twelfths, `height` in units of 8 px."""

    title: str
    dataset: str
    kind: str
    params: Yaml
    width: int = 6
    height: int = 40


@dataclass(frozen=True)
class Dashboard:
    """`rows`: charts side by side, or a text. `filter_by_province`: gives it a filter on `province_name` of all its datasets."""

    title: str
    slug: str
    rows: tuple[tuple[Chart, ...] | str, ...]
    filter_by_province: bool = True
    charts: tuple[Chart, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "charts", tuple(c for row in self.rows if not isinstance(row, str) for c in row))


def metric(label: str, sql: str) -> Yaml:
    """An aggregate in SQL with the label that readers see."""
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label, "hasCustomLabel": True,
            "optionName": "metric_" + uuid("metric", label + sql)[:12]}  # fmt: skip


def number(title: str, dataset: str, sql: str, subtitle: str = "", form: str = NUMBER, width: int = 3) -> Chart:
    params = {
        "metric": metric(title, sql),
        "y_axis_format": form,
        "subheader": subtitle,
        "header_font_size": 0.4,
        "subheader_font_size": 0.125,
    }
    return Chart(title, dataset, "big_number_total", params, width, 22)


def lines(title: str, dataset: str, time: str, metrics: dict[str, str], by: tuple[str, ...] = (), form: str = NUMBER, width: int = 6,
          from_zero: bool = False) -> Chart:  # fmt: skip
    params = {
        "x_axis": time, "time_grain_sqla": "P1M", "metrics": [metric(n, s) for n, s in metrics.items()], "groupby": list(by),
        "y_axis_format": form, "x_axis_time_format": MONTH, "tooltipTimeFormat": MONTH, "rich_tooltip": True, "show_legend": True,
        "markerEnabled": True, "markerSize": 5, "truncateYAxis": not from_zero, "y_axis_bounds": [None, None], "row_limit": 10_000,
    }  # fmt: skip
    return Chart(title, dataset, "echarts_timeseries_line", params, width)


def bars(title: str, dataset: str, axis: str, metrics: dict[str, str], by: tuple[str, ...] = (), form: str = NUMBER, width: int = 6,
         limit: int = 34, flat: bool = True, stack: bool = False, height: int = 40, ascending: bool = True) -> Chart:  # fmt: skip
    """Bars, lying (`flat`) unless told: names of provinces and facilities are long."""
    params = {
        "x_axis": axis, "metrics": [metric(n, s) for n, s in metrics.items()], "groupby": list(by), "y_axis_format": form,
        "orientation": "horizontal" if flat else "vertical", "stack": "Stack" if stack else None, "row_limit": limit, "show_legend": len(metrics) > 1 or bool(by),
        "rich_tooltip": True, "x_axis_sort": next(iter(metrics)), "x_axis_sort_asc": ascending, "sort_series_type": "sum",
        "truncateYAxis": False, "x_axis_time_format": MONTH, "order_desc": True, "timeseries_limit_metric": metric(*next(iter(metrics.items()))),
    }  # fmt: skip
    return Chart(title, dataset, "echarts_timeseries_bar", params, width, height)


def months(
    title: str, dataset: str, time: str, metrics: dict[str, str], by: tuple[str, ...] = (), form: str = NUMBER, width: int = 6
) -> Chart:
    """Standing bars by month, stacked."""
    params = {
        "x_axis": time, "time_grain_sqla": "P1M", "metrics": [metric(n, s) for n, s in metrics.items()], "groupby": list(by),
        "y_axis_format": form, "x_axis_time_format": MONTH, "tooltipTimeFormat": MONTH, "stack": "Stack", "show_legend": True,
        "rich_tooltip": True, "row_limit": 10_000, "truncateYAxis": False,
    }  # fmt: skip
    return Chart(title, dataset, "echarts_timeseries_bar", params, width)


def table(title: str, dataset: str, columns: tuple[str, ...], width: int = 12, limit: int = 500, order: tuple[str, bool] | None = None,
          formats: dict[str, str] | None = None, height: int = 50) -> Chart:  # fmt: skip
    params = {
        "query_mode": "raw", "all_columns": list(columns), "row_limit": limit, "server_page_length": 20, "page_length": 20, "include_search": True,
        "order_by_cols": [f'["{order[0]}", {str(order[1]).lower()}]'] if order else [], "table_timestamp_format": "%d/%m/%Y",
        "show_cell_bars": True, "column_config": {c: {"d3NumberFormat": f} for c, f in (formats or {}).items()},
    }  # fmt: skip
    return Chart(title, dataset, "table", params, width, height)


def flows(title: str, dataset: str, source: str, target: str, label: str, sql: str, width: int = 6) -> Chart:
    return Chart(
        title, dataset, "sankey_v2", {"source": source, "target": target, "metric": metric(label, sql), "row_limit": 30}, width, 70
    )
