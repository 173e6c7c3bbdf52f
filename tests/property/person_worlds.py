"""Small registers in which records collide in many ways."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from hypothesis import strategies as st

SCHEMA = {
    "card_number": pl.String, "social_insurance_number": pl.String, "citizen_id": pl.String, "full_name": pl.String,
    "birth_date": pl.Date, "birth_precision": pl.String, "sex": pl.String, "province_code": pl.String, "old_province_code": pl.String,
    "commune_code": pl.String, "household": pl.String, "valid_from": pl.Date, "withdrawn_on": pl.Date, "withdrawal_reason": pl.String,
    "period": pl.Date, "received_rank": pl.Int64,
}  # fmt: skip

# What a card of a literal register says unless its test says otherwise.
CARD: dict[str, Any] = {
    "social_insurance_number": None,
    "citizen_id": None,
    "full_name": "Nguyễn Thị Lan",
    "birth_date": date(1980, 7, 23),
    "birth_precision": "day",
    "sex": "2",
    "province_code": "01",
    "old_province_code": None,
    "commune_code": "00101",
    "household": None,
    "valid_from": date(2025, 1, 1),
    "withdrawn_on": None,
    "withdrawal_reason": None,
    "period": date(2025, 9, 1),
    "received_rank": 1,
}

# Few values of each field, so that records collide in many ways.
NAMES = ("Nguyễn Thị Lan", "Nguyen Thi Lan", "Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "Phùng Diễm Thắm", "Phùng Thắm", "Phùng Diễm Thắn", None)
DATES = (date(1980, 7, 23), date(1980, 1, 1), date(1980, 3, 7), date(1980, 7, 3), date(1986, 7, 23), None)
CITIZENS = ("001180112233", "001180112234", "001180998877", "001086555444", "013456781", "000000000000", None)
NUMBERS = ("DN4010000000001", "0000000001", "GD4010000000001", "GD4017777766666", "HC4015151595959", "TE1019090807070", "7777766666")

row = st.fixed_dictionaries(
    {
        "card_number": st.sampled_from(NUMBERS),
        "social_insurance_number": st.sampled_from(("0000000001", "7777766666", None)),
        "citizen_id": st.sampled_from(CITIZENS),
        "full_name": st.sampled_from(NAMES),
        "birth_date": st.sampled_from(DATES),
        "birth_precision": st.sampled_from(("day", "year")),
        "sex": st.sampled_from(("1", "2", "3", None)),
        "province_code": st.sampled_from(("01", "79", None)),
        "old_province_code": st.none(),
        "commune_code": st.sampled_from(("00101", "26734", None)),
        "household": st.sampled_from(("0101234567", None)),
        "valid_from": st.sampled_from((date(2024, 1, 1), date(2025, 7, 1), None)),
        "withdrawn_on": st.sampled_from((None, None, date(2025, 5, 1), date(2025, 8, 1))),
        "withdrawal_reason": st.sampled_from(("CHET", "CHUYEN", None)),
        "period": st.sampled_from((date(2025, 8, 1), date(2025, 9, 1))),
        "received_rank": st.integers(1, 3),
    }
)
# Cards of one name, date and commune, which differ in what is said of lives.
life = st.fixed_dictionaries(
    {
        "card_number": st.sampled_from(NUMBERS),
        "citizen_id": st.sampled_from(("001180112233", None, None)),
        "valid_from": st.sampled_from((date(2024, 1, 1), date(2025, 7, 1))),
        "withdrawn_on": st.sampled_from((None, date(2025, 5, 1))),
        "withdrawal_reason": st.just("CHET"),
        "period": st.sampled_from((date(2025, 8, 1), date(2025, 9, 1))),
        "received_rank": st.integers(1, 3),
    }
).map(lambda said: {**CARD, **said})
registers = st.lists(row, min_size=1, max_size=12).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA))
