"""Make `province_units.csv`, `commune_units.csv` and `commune_crosswalk.csv`. A developer runs it; no night does.

    python -m warehouse.reference.make_geography

It reads two data files of the installed package `vietnamadminunits` (never its code: its address converter would send
addresses to a web service) and settles the communes where they differ from the crosswalk of the National Statistics Office,
kept in `sources/`. Every figure that is known about the reform is checked before anything is written. See README.md here.
"""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

HERE = Path(__file__).parent
REFORM = date(2025, 7, 1)  # Decision 19/2025/QĐ-TTg in force, Law 72/2025/QH15: two tiers
EVE = date(2025, 6, 30)
WHEEL = "vietnamadminunits 1.0.4 (MIT)"
NSO = "nso"  # the National Statistics Office's conversion table alone

# What is known of the reform (domain/policy.md §1): old and new provinces, old and new communes, split communes.
COUNTS = {
    "old provinces": 63,
    "new provinces": 34,
    "old communes": 10_035,
    "new communes": 3_321,
    "split communes": 440,
    "settled by NSO": 33,
}
CHANGED_OWNER = {"15", "24", "44", "52", "80", "82", "91"}


def data_folder() -> Path:
    """Where the package keeps its data; found without importing it."""
    spec = importlib.util.find_spec("vietnamadminunits")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("vietnamadminunits is not installed; install the development requirements first")
    return Path(spec.submodule_search_locations[0]) / "data"


def admin_units(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Units before and since the reform: `province_code, province, province_key, [district_key,] code, name, key`, one row per commune."""
    old_columns = "provinceCode, province, provinceKey, districtKey, wardCode, ward, wardKey"
    new_columns = "provinceCode, province, provinceKey, wardCode, ward, wardKey"
    with sqlite3.connect(f"file:{folder / 'dataset.db'}?mode=ro", uri=True) as connection:
        old = connection.execute(f"SELECT {old_columns} FROM admin_units_legacy").fetchall()
        new = connection.execute(f"SELECT {new_columns} FROM admin_units").fetchall()
    names = ["province_code", "province", "province_key", "district_key", "code", "name", "key"]
    return (
        pl.DataFrame(old, schema=dict.fromkeys(names, pl.String), orient="row"),
        pl.DataFrame(new, schema={n: pl.String for n in names if n != "district_key"}, orient="row"),
    )


def crosswalk_of_the_wheel(folder: Path, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """`old_code, commune_code, is_default`: one row per old commune and target, keys of the converter resolved to codes."""
    converter: dict[str, Any] = json.loads((folder / "converter_2025.json").read_text(encoding="utf-8"))
    pairs: list[tuple[str, str, str, bool]] = []
    for province, targets in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        pairs += [(province, target, source, True) for target, sources in targets.items() for source in sources]
    for province, sources in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        pairs += [(province, t["newWardKey"], source, t["isDefaultNewWard"]) for source, targets in sources.items() for t in targets]
    old_keys = old.select(source=pl.concat_str("province_key", "district_key", pl.col("key").fill_null(""), separator="_"), old_code="code")
    found = (
        pl.DataFrame(
            pairs, schema={"province": pl.String, "target": pl.String, "source": pl.String, "is_default": pl.Boolean}, orient="row"
        )
        .join(old_keys, on="source", how="left", validate="m:1")
        .join(new.select(province="province_key", target="key", commune_code="code"), on=["province", "target"], how="left", validate="m:1")
    )
    islands = found["source"].str.ends_with("_")  # five island districts had no commune
    lost = found.filter((pl.col("old_code").is_null() & ~islands) | pl.col("commune_code").is_null())
    if lost.height:
        raise SystemExit(f"{lost.height} keys of the converter have no code, the first: {lost['source'][0]}")
    return found.filter(pl.col("old_code").is_not_null()).select("old_code", "commune_code", "is_default")


def settled(wheel: pl.DataFrame, nso: pl.DataFrame) -> pl.DataFrame:
    """The crosswalk: NSO's targets (they differ from the wheel's for 33 communes), the wheel's default where it is one of them.

    Columns `old_code, commune_code, is_default, is_split, kind, source`, one row per old commune and target.
    """

    def targets(pairs: pl.DataFrame) -> pl.DataFrame:
        return pairs.group_by("old_code").agg(pl.col("commune_code").unique().sort())

    both = targets(wheel).join(targets(nso), on="old_code", how="full", coalesce=True, suffix="_nso")
    differ = both.filter(pl.col("commune_code").ne_missing(pl.col("commune_code_nso")))["old_code"]
    kept = nso.join(wheel, on=["old_code", "commune_code"], how="left").with_columns(
        is_default=pl.col("is_default").fill_null(False), is_split=pl.len().over("old_code") > 1
    )
    return kept.with_columns(
        # Where the wheel's default is no target of NSO's, NSO's own default stands.
        is_default=pl.when(pl.col("is_default").any().over("old_code")).then("is_default").otherwise("is_default_nso"),
        source=pl.when(pl.col("old_code").is_in(differ.implode())).then(pl.lit(NSO)).otherwise(pl.lit("both")),
    ).select("old_code", "commune_code", "is_default", "is_split", "kind", "source")


def province_units(old: pl.DataFrame, new: pl.DataFrame, province_of: pl.DataFrame) -> pl.DataFrame:
    """`code, name, valid_from, valid_to, province_code, status, source`: one row per unit and stretch in which its name held."""
    before = (
        old.select(code="province_code", name="province")
        .unique()
        .join(province_of, on="code", how="left", validate="1:1")
        .with_columns(valid_from=pl.lit(None, pl.Date), valid_to=pl.lit(EVE))
    )
    since = (
        new.select(code="province_code", name="province", province_code="province_code")
        .unique()
        .with_columns(valid_from=pl.lit(REFORM), valid_to=pl.lit(None, pl.Date))
    )
    units = pl.concat([before, since], how="diagonal").with_columns(status=pl.lit("SOURCED"), source=pl.lit(WHEEL))
    later = pl.read_csv(HERE / "sources" / "province_changes.csv", schema_overrides={"code": pl.String, "valid_from": pl.Date})
    dated = later.filter(pl.col("valid_from").is_not_null())
    undated = later.filter(pl.col("valid_from").is_null())
    open_ended = pl.col("valid_to").is_null()
    ends = dict(zip(dated["code"], dated["valid_from"], strict=True))
    units = units.with_columns(
        valid_to=pl.when(open_ended)
        .then(pl.col("code").replace_strict(ends, default=None, return_dtype=pl.Date).dt.offset_by("-1d"))
        .otherwise("valid_to"),
        # Renamed on an unknown day: the name of 2025-07-01 stands, marked.
        status=pl.when(open_ended & pl.col("code").is_in(undated["code"].implode())).then(pl.lit("UNCERTAIN")).otherwise("status"),
        source=pl.when(open_ended)
        .then(pl.col("code").replace_strict(undated["code"], undated["source"], default=pl.col("source"), return_dtype=pl.String))
        .otherwise("source"),
    )
    renamed = dated.select("code", "name", "valid_from", "status", "source", valid_to=pl.lit(None, pl.Date), province_code="code")
    columns = ["code", "name", "valid_from", "valid_to", "province_code", "status", "source"]
    return pl.concat([units.select(columns), renamed.select(columns)]).sort("code", "valid_from", nulls_last=False)


def commune_units(old: pl.DataFrame, new: pl.DataFrame, crosswalk: pl.DataFrame) -> pl.DataFrame:
    """`code, name, province_unit, valid_from, valid_to, commune_code, province_code, is_split`: one row per unit and validity."""
    home = new.select(commune_code="code", province_code="province_code")
    default = crosswalk.filter("is_default").select("old_code", "commune_code", "is_split")
    before = (
        old.filter(pl.col("code").is_not_null())
        .select("code", "name", province_unit="province_code")
        .join(default, left_on="code", right_on="old_code", how="left", validate="1:1")
        .join(home, on="commune_code", how="left", validate="m:1")
        .with_columns(valid_from=pl.lit(None, pl.Date), valid_to=pl.lit(EVE))
    )
    since = new.select("code", "name", province_unit="province_code", commune_code="code", province_code="province_code").with_columns(
        is_split=pl.lit(False), valid_from=pl.lit(REFORM), valid_to=pl.lit(None, pl.Date)
    )
    columns = ["code", "name", "province_unit", "valid_from", "valid_to", "commune_code", "province_code", "is_split"]
    return pl.concat([before.select(columns), since.select(columns)]).sort("code", "valid_from", nulls_last=False)


def check(provinces: pl.DataFrame, communes: pl.DataFrame, crosswalk: pl.DataFrame) -> None:
    """Stop unless the figures of the reform come out."""
    old_provinces = provinces.filter(pl.col("valid_to") == EVE)
    new_provinces = provinces.filter(pl.col("valid_from") == REFORM)
    old_communes = communes.filter(pl.col("valid_to") == EVE)
    found = {
        "old provinces": old_provinces["code"].n_unique(),
        "new provinces": new_provinces["code"].n_unique(),
        "old communes": old_communes["code"].n_unique(),
        "new communes": communes.filter(pl.col("valid_from") == REFORM)["code"].n_unique(),
        "split communes": crosswalk.filter("is_split")["old_code"].n_unique(),
        "settled by NSO": crosswalk.filter(pl.col("source") == NSO)["old_code"].n_unique(),
    }
    names = old_provinces.join(new_provinces, on="code", suffix="_new")
    changed = {c for c, a, b in names.select("code", "name", "name_new").iter_rows() if a != b}
    defaults = crosswalk.group_by("old_code").agg(pl.col("is_default").sum())
    wrong = {k: v for k, v in found.items() if v != COUNTS[k]}
    if wrong or changed != CHANGED_OWNER:
        raise SystemExit(f"the reform does not come out: {wrong}, provinces whose code changed owner: {sorted(changed)}")
    if defaults.filter(pl.col("is_default") != 1).height or old_communes["commune_code"].null_count():
        raise SystemExit("an old commune has no default target, or several")
    moved = old_communes.select(code="province_unit", to="province_code").unique().join(old_provinces, on="code", how="left")
    if moved.height != 63 or moved.filter(pl.col("to") != pl.col("province_code")).height:
        raise SystemExit("a commune and its province went to different provinces")


def main() -> None:
    folder = data_folder()
    units, new = admin_units(folder)
    nso = pl.read_csv(HERE / "sources" / "commune_crosswalk_nso_2025.csv", infer_schema=False).with_columns(
        is_default_nso=pl.col("is_default_nso") == "1"
    )
    crosswalk = settled(crosswalk_of_the_wheel(folder, units, new), nso)
    old = units.filter(pl.col("code").is_not_null())  # five island districts had no commune
    province_of = (
        crosswalk.join(old.select(old_code="code", code="province_code"), on="old_code")
        .join(new.select(commune_code="code", province_code="province_code"), on="commune_code")
        .select("code", "province_code")
        .unique()
    )
    provinces = province_units(old, new, province_of)
    communes = commune_units(old, new, crosswalk)
    check(provinces, communes, crosswalk)
    provinces.write_csv(HERE / "province_units.csv")
    communes.write_csv(HERE / "commune_units.csv")
    crosswalk.sort("old_code", "commune_code").write_csv(HERE / "commune_crosswalk.csv")


if __name__ == "__main__":
    main()
