"""What a visit costs, line by line, in whole xu (1/100 đồng), so that every sum is exact."""

from __future__ import annotations

import numpy as np
import polars as pl

# (table, group, code, name, unit, price in 1/1000 đồng, quantity from, to in 1/1000)
_CATALOGUE = [
    (2, 4, "40.1", "Paracetamol 500mg", "Viên", 230_000, 6, 30),
    (2, 4, "40.155", "Amoxicilin &amp; acid clavulanic", "Viên", 4_589_999, 10, 21),
    (2, 4, "40.50", "Metformin 850mg", "Viên", 1_260_500, 28, 60),
    (2, 4, "40.491", "Amlodipin 5mg", "Viên", 589_999, 28, 30),
    (2, 4, "40.220", "Cefuroxim 750mg", "Lọ", 21_345_678, 2, 14),
    (2, 4, "05C.113", "Hoạt huyết dưỡng não", "Gói", 3_499_950, 10, 30),
    (2, 4, "40.805", "Insulin glargin &lt;300IU&gt;", "Bút", 257_145_333, 1, 3),
    (3, 1, "23.0206", "Tổng phân tích nước tiểu", "Lần", 28_600_000, 1, 1),
    (3, 1, "22.0120", "Tổng phân tích tế bào máu", "Lần", 49_700_000, 1, 2),
    (3, 1, "23.0075", "Định lượng Glucose", "Lần", 22_400_500, 1, 3),
    (3, 2, "18.0119", "Chụp Xquang ngực thẳng", "Lần", 73_300_000, 1, 1),
    (3, 2, "18.0015", "Siêu âm ổ bụng", "Lần", 58_600_000, 1, 1),
    (3, 3, "02.0085", "Điện tim thường", "Lần", 39_900_000, 1, 1),
    (3, 18, "08.0005", "Châm cứu", "Lần", 76_400_000, 1, 5),
    (3, 10, "N02.01", "Bơm tiêm 5ml", "Cái", 1_155_000, 1, 12),
    (3, 10, "N07.06", "Kim luồn tĩnh mạch", "Cái", 12_915_750, 1, 3),
]
_EXAM = (3, 13, "02.1897", "Khám bệnh", "Lần", 42_100_000, 1, 1)
_BED = (3, 15, "K02.1907", "Giường nội khoa loại 2", "Ngày", 245_700_000, 1, 1)
_DAY_BED = (3, 14, "K02.1917", "Giường ban ngày", "Ngày", 73_710_000, 1, 1)
_STAY_BED = (3, 16, "K02.1930", "Giường lưu", "Ngày", 58_000_000, 1, 1)
_RARE = [
    (3, 8, "10.0506", "Phẫu thuật nội soi ruột thừa", "Lần", 2_564_000_000, 1, 1),
    (3, 7, "22.0501", "Khối hồng cầu", "Đơn vị", 845_000_250, 1, 2),
    (3, 17, "22.0510", "Huyết tương tươi", "Đơn vị", 389_500_000, 1, 2),
    (3, 12, "VC.01001", "Vận chuyển", "Km", 4_320_000, 20, 90),
]
_OTHER = (3, 19, "99.0001", "Dịch vụ khác", "Lần", 15_000_000, 1, 1)  # the group exists since QĐ 4750
_ITEMS = [*_CATALOGUE, _EXAM, _BED, _DAY_BED, _STAY_BED, *_RARE, _OTHER]
_BENEFIT = {"1": 100, "2": 100, "3": 95, "4": 80, "5": 100}


def lines(visits: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per line of XML2 and XML3: `claim, table, line, group, code, item, unit, quantity, price` (1/1000), `service_rate,
    cover_rate, benefit` (percent), `total, covered, fund, copay, own, other` (xu), `effect` (days after the arrival)."""
    rng = np.random.default_rng([seed, 8])
    n = visits.height
    inpatient = visits["care_code"].is_in(["03", "09"]).to_numpy()
    common = rng.poisson(np.where(inpatient, 8.0, np.where(visits["type"].to_numpy() == "TYT", 1.6, 3.2)))
    claim = np.repeat(np.arange(n), common)
    item = rng.integers(0, len(_CATALOGUE), len(claim))
    care = visits["care_code"].to_numpy()
    modern = visits["standard"].to_numpy() == "130"
    fixed = [
        (np.flatnonzero(~np.isin(care, ["07"])), _ITEMS.index(_EXAM)),
        (np.flatnonzero(care == "07"), 3),  # medicine by appointment
        (np.flatnonzero(care == "03"), _ITEMS.index(_BED)),
        (np.flatnonzero(care == "04"), _ITEMS.index(_DAY_BED)),
        (np.flatnonzero(care == "06"), _ITEMS.index(_STAY_BED)),
        *((np.flatnonzero(inpatient & (rng.random(n) < 0.08)), _ITEMS.index(r)) for r in _RARE),
        (np.flatnonzero(modern & (rng.random(n) < 0.02)), _ITEMS.index(_OTHER)),
    ]
    claim = np.concatenate([claim, *(c for c, _ in fixed)])
    item = np.concatenate([item, *(np.full(len(c), i) for c, i in fixed)])
    order = np.lexsort((item, claim))
    claim, item = claim[order], item[order]
    table, group, _, _, _, price, low, high = (np.array(c) for c in zip(*_ITEMS, strict=True))
    m = len(claim)
    quantity = low[item] + (rng.random(m) * (high[item] - low[item] + 1)).astype(np.int64)
    days = (visits["out_day"] - visits["day"]).to_numpy()[claim] + 1
    quantity = np.where(item == _ITEMS.index(_BED), days, quantity) * 1000
    quantity = np.where((group[item] == 4) & (rng.random(m) < 0.03), quantity + 500, quantity)  # half a tablet
    service_rate = np.where((group[item] == 15) & (rng.random(m) < 0.1), 50, 100)
    cover_rate = np.where(rng.random(m) < 0.05, 50, np.where(rng.random(m) < 0.02, 30, 100))
    old = ~modern[claim]
    cover_rate = np.where(old, 100, cover_rate)
    station = (visits["type"].to_numpy() == "TYT")[claim]
    level = visits["full"].str.slice(2, 1).replace_strict(_BENEFIT, default=80, return_dtype=pl.Int64).to_numpy()[claim]
    frame = pl.DataFrame(
        {
            "claim": visits["claim"].to_numpy()[claim],
            "item": item,
            "table": table[item],
            "group": group[item],
            "quantity": quantity,
            "price": price[item],
            "service_rate": service_rate,
            "cover_rate": cover_rate,
            "benefit": np.where(station, 100, level),
            "aided": rng.random(m) < 0.004,
            "day": visits["day"].to_numpy()[claim] + (rng.random(m) * days).astype(np.int64),
        }
    )
    # 4210 paid some drugs and services in part, under groups of their own.
    ratio = pl.lit(pl.Series(old & (rng.random(m) < 0.05)))
    frame = frame.with_columns(
        group=pl.when(ratio & (pl.col("group") == 4)).then(6).when(ratio & (pl.col("group") == 10)).then(11).otherwise("group"),
    )
    total = (pl.col("quantity") * pl.col("price") * pl.col("service_rate") + 500_000) // 1_000_000
    frame = (
        frame.with_columns(total=total).with_columns(covered=_part("total", "cover_rate")).with_columns(fund=_part("covered", "benefit"))
    )
    other = pl.when("aided").then((pl.col("total") - pl.col("covered")) // 2).otherwise(0)
    return (
        frame.with_columns(copay=pl.col("covered") - pl.col("fund"), other=other)
        .with_columns(own=pl.col("total") - pl.col("covered") - pl.col("other"))
        .with_columns(line=pl.int_range(1, pl.len() + 1).over("claim", "table"))
        .drop("aided")
    )


def _part(amount: str, percent: str) -> pl.Expr:
    """Percent of an amount in xu, rounded half up."""
    return (pl.col(amount) * pl.col(percent) + 50) // 100


def item_column(which: int) -> list[str]:
    """One column of the catalogue as text, by item: 2 code, 3 name, 4 unit."""
    return [str(i[which]) for i in _ITEMS]


MONEY = ("total", "covered", "fund", "copay", "own", "other")


def headers(lines_of_records: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sums of lines per `by`, in xu: the money of XML1."""
    drugs = pl.col("total").filter(pl.col("table") == 2).sum().alias("drugs")
    supplies = pl.col("total").filter(pl.col("group").is_in([10, 11])).sum().alias("supplies")
    return lines_of_records.group_by(by).agg(*(pl.col(m).sum() for m in MONEY), drugs, supplies).sort(by)
