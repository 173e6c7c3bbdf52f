"""Superset for the coverage warehouse: its own store in SQLite beside its environment, one read-only DuckDB connection, no calls home.

Read by Superset through SUPERSET_CONFIG_PATH (the Makefile sets it). Settings come from the environment:
SUPERSET_HOME (folder of Superset's own files), SUPERSET_SECRET_KEY (made once by serve.py and kept there).
"""

import os
from pathlib import Path

HOME = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}?check_same_thread=false"

# Figures change once a night and DuckDB answers in milliseconds: nothing is cached, so a dashboard never shows an older night than the file.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = CACHE_CONFIG

# Vietnamese first: labels in the dashboards are Vietnamese and English; numbers as Vietnamese readers write them.
LANGUAGES = {"vi": {"flag": "vn", "name": "Tiếng Việt"}, "en": {"flag": "us", "name": "English"}}
BABEL_DEFAULT_LOCALE = "vi"
D3_FORMAT = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " đ"]}
D3_TIME_FORMAT = {
    "dateTime": "%A, %e %B %Y, %X",
    "date": "%d/%m/%Y",
    "time": "%H:%M:%S",
    "periods": ["", ""],
    "days": ["Chủ nhật", "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy"],
    "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
    "months": [f"Tháng {n}" for n in range(1, 13)],
    "shortMonths": [f"Th{n}" for n in range(1, 13)],
}

# Colours that stay apart for colour-blind readers (Okabe & Ito 2008), blue to orange where a value has a good and a bad end.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "okabeIto",
        "description": "Colour-blind safe (Okabe & Ito)",
        "label": "Okabe-Ito",
        "isDefault": True,
        "colors": ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"],
    }
]

APP_NAME = "Bao phủ BHYT"
FEATURE_FLAGS = {"DASHBOARD_RBAC": True}
ROW_LIMIT = 50_000
TALISMAN_ENABLED = False  # served on the loopback address only; put a reverse proxy with TLS in front before others may reach it
WTF_CSRF_ENABLED = True
