"""How each province writes its files: format, encoding, delimiter, headers, dates. Together they cover all that the contract allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Dialect:
    format: Literal["csv", "xlsx", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"  # or utf-8-sig, utf-16, cp1258, tcvn3, vni
    normal_form: Literal["NFC", "NFD"] = "NFC"
    packed: Literal["", "gz", "zip", "zst"] = ""
    headers: Literal["elements", "labels", "loose"] = "elements"  # loose: lower case, spaces for underscores
    dates: Literal["yyyymmdd", "yyyymmddHHMM", "dd/mm/yyyy", "dd-mm-yyyy", "yyyy-mm-dd", "true", "serial"] = "yyyymmdd"
    told_by: Literal["name", "path", "sidecar"] = "name"  # how province and period are told
    cards: Literal["full", "short", "mixed"] = "full"  # 15 characters, the 10-digit form with MA_DT, or both
    names: Literal["title", "upper"] = "title"
    sex: Literal["digits", "words"] = "digits"
    old_tones: bool = False  # hoà, thuỷ for hòa, thủy
    numeric_ids: bool = False  # identifiers as numbers: leading zeros are lost, as in Excel
    quoted: bool = False
    ornaments: bool = False  # XLSX: title rows above the header, totals and signatures below
    leaves_out: tuple[str, ...] = ()  # optional columns that the province does not deliver
    declares: bool = False  # the sidecar also tells rows and sha256


_DIALECTS = {
    "01": Dialect(packed="gz", told_by="name", old_tones=True),
    "10": Dialect(delimiter=";", encoding="utf-8-sig", normal_form="NFD", headers="labels", dates="dd/mm/yyyy", told_by="path",
    cards="short"),
    "15": Dialect(format="xlsx", headers="labels", dates="true", told_by="sidecar", ornaments=True, sex="words"),
    "22": Dialect(format="parquet", dates="true", told_by="path", leaves_out=("DIA_CHI",)),
    "24": Dialect(delimiter="\t", encoding="utf-16", headers="loose", dates="dd-mm-yyyy", told_by="sidecar", declares=True),
    "27": Dialect(delimiter="|", encoding="cp1258", headers="labels", dates="dd/mm/yyyy", packed="zip", sex="words"),
    "30": Dialect(delimiter=";", encoding="tcvn3", headers="labels", dates="dd/mm/yyyy", cards="short", leaves_out=("MUC_HUONG",
    "MA_HO_GD")),
    "31": Dialect(packed="zip", dates="yyyy-mm-dd", cards="mixed", names="upper"),
    "48": Dialect(format="xlsx", dates="serial", told_by="path", numeric_ids=True, cards="mixed"),
    "49": Dialect(encoding="vni", headers="labels", dates="dd/mm/yyyy", told_by="sidecar", sex="words"),
    "72": Dialect(delimiter="\t", packed="zst", dates="yyyymmddHHMM", told_by="path"),
    "74": Dialect(format="xlsx", headers="labels", dates="dd/mm/yyyy", told_by="name", sex="words"),
    "77": Dialect(packed="gz", normal_form="NFD", names="upper", headers="loose", told_by="sidecar", leaves_out=("DIA_CHI", "MA_HO_GD")),
    "79": Dialect(encoding="utf-8-sig", packed="zst", headers="labels", dates="dd/mm/yyyy", told_by="sidecar", quoted=True, declares=True),
    "80": Dialect(delimiter="|", encoding="cp1258", told_by="path", cards="short", dates="yyyy-mm-dd"),
}  # fmt: skip


def dialect_of(province: str) -> Dialect:
    """The dialect of a province of either vintage; the fifteen repeat over the others."""
    known = list(_DIALECTS.values())
    return _DIALECTS.get(province) or known[int(province) % len(known)]
