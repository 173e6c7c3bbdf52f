"""Employers as the tax authority knows them and enterprises as the planning departments register them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from stdnum.vn import mst

from warehouse.samples.places import Places, province_weights

_KINDS = ("Công ty TNHH", "Công ty Cổ phần", "Doanh nghiệp tư nhân", "Hợp tác xã", "Công ty TNHH MTV")
_TRADES = (
    "May mặc",
    "Thủy sản",
    "Xây dựng",
    "Cơ khí",
    "Vận tải",
    "Thương mại",
    "Điện tử",
    "Bao bì",
    "Dược phẩm",
    "Nông sản",
    "Du lịch",
    "Gỗ",
)
_WORDS = (
    "Hoàng Gia",
    "Thành Công",
    "Phú Quý",
    "Minh Phát",
    "Đại Việt",
    "Tân Tiến",
    "Hưng Thịnh",
    "An Khang",
    "Sao Mai",
    "Bình Minh",
    "Á Châu",
)
_FORMS = {
    "Công ty TNHH": "TNHH",
    "Công ty Cổ phần": "CP",
    "Doanh nghiệp tư nhân": "DNTN",
    "Hợp tác xã": "HTX",
    "Công ty TNHH MTV": "TNHH1TV",
}


def employers(places: Places, persons: int, first: date, last: date, seed: int) -> pl.DataFrame:
    """One row per employer: `employer, tax_code, name, legal_form, spot, old_province, registered_on, dissolved_on, status, is_new,
    is_branch, insures, off_books`. `off_books`: people paid beyond those insured."""
    rng = np.random.default_rng([seed, 3])
    n = max(3 * len(places.provinces), persons // 45)
    old = rng.choice(places.provinces, n, p=province_weights(places.provinces))
    old[: len(places.provinces)] = places.provinces  # each province has one
    spots = places.spots.filter(pl.col("default_commune") == pl.col("commune"))
    by_province = {p: spots.filter(pl.col("old_province") == p)["spot"].to_numpy() for p in places.provinces}
    spot = [int(rng.choice(by_province[p])) for p in old]
    kind = rng.choice(_KINDS, n)
    name = [f"{k} {t} {w} {i}" for i, (k, t, w) in enumerate(zip(kind, rng.choice(_TRADES, n), rng.choice(_WORDS, n), strict=True), 1)]
    tax_code = _tax_codes(n, seed)
    branch = rng.random(n) < 0.04
    branch[0] = False
    code = list(tax_code)
    for i in np.flatnonzero(branch).tolist():
        code[i] = f"{tax_code[i - 1]}-{1 + i % 9:03d}"
        name[i] = f"Chi nhánh {name[i]}"
    fresh = rng.random(n) < 0.08
    days_old = np.where(fresh, rng.integers(60, 250, n), rng.integers(800, 7000, n))
    registered = [first - timedelta(int(d)) for d in days_old]
    span = (last - first).days
    dissolved = [first + timedelta(int(rng.integers(0, span))) if rng.random() < 0.01 and not f else None for f in fresh]
    status = np.where(rng.random(n) < 0.88, "00", rng.choice(["01", "03", "05", "06"], n))
    return pl.DataFrame(
        {
            "employer": np.arange(n),
            "tax_code": code,
            "name": name,
            "legal_form": [_FORMS[k] for k in kind],
            "spot": spot,
            "old_province": old.tolist(),
            "registered_on": registered,
            "dissolved_on": dissolved,
            "status": status.tolist(),
            "is_new": fresh,
            "is_branch": branch,
            # New enterprises mostly insure nobody yet: what the planning list is there to find.
            "insures": np.where(fresh, rng.random(n) < 0.3, rng.random(n) < 0.93),
            "off_books": np.where(rng.random(n) < 0.25, rng.integers(1, 9, n), 0),
        },
        schema_overrides={"registered_on": pl.Date, "dissolved_on": pl.Date},
    )


def _tax_codes(n: int, seed: int) -> list[str]:
    found: list[str] = []
    number = 10_000_000 + seed % 1000
    while len(found) < n:
        number += 7919
        base = f"0{number:08d}"
        try:
            code = base + mst.calc_check_digit(base)
        except ValueError:
            continue
        if mst.is_valid(code):  # a tenth of the numbers have no check digit and are never issued
            found.append(code)
    return found
