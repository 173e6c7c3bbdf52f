"""Names as numbers into tables: those of `warehouse.samples.names`, with the long tail that a nation has.

A name is a surname, a middle name, perhaps a second one, and a given name. Old and young people bear different ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.samples import names as sample

Array = npt.NDArray[Any]

_RARE_SURNAMES = """
    Quang Thân Tăng Doãn Hứa Nghiêm Lã Lại Ông Âu Tiêu Vương Thái Từ Mạc Khổng Khúc Phí Diệp Nhan Giáp Ninh Sầm Bế Đàm Lục Hầu Mã Thào
    Sùng Hạng Cù Điểu Rơ Ksor Y Siu Kpă Danh Kim Sơn Thị Trà Ngân Lường Cầm Quàng Tòng Hoàn Vàng Lù Ma Mông Tống Đồng Bạch"""
_SECOND_MIDDLES = """
    Ngọc Minh Thanh Thu Kim Hoàng Phương Bảo Thùy Gia Mỹ Hồng Bích Xuân Anh Quỳnh Như Tuấn Quốc Khánh Diệu Hoài Trung Hải Mai Nhật
    Thảo Quang Hà Thành Tường Cẩm Lan Diễm Trúc Yến Huyền Tuyết Vân Nguyên Đăng Thiên Phúc Công Đình Hữu Duy Thế Trọng Việt"""
_YOUNG_MALE = """
    Anh Huy Khang Bảo Minh Phúc Khoa Đạt Nam Long Hiếu Quân Kiệt Duy Thịnh Nguyên An Khôi Phong Dũng Hoàng Tùng Thành Hưng Tuấn Đức
    Sơn Lâm Nghĩa Nhân Trí Tiến Đăng Vũ Phát Tân Luân Toàn Thiện Hào Vinh Quang Trường Khải Bách Thái Nhật Tú Khánh Sang Việt"""
_YOUNG_FEMALE = """
    Linh Anh Trang Thảo Ngọc Phương My Nhi Vy Hân Chi Châu Trâm Như Uyên Giang Ngân Quỳnh Thư Yến Hà Mai Huyền Hương Hằng Trinh Diệp
    Khánh Thy Vân Duyên Nhung Dung Oanh Tiên Tuyền Ly Hiền Lan Nguyên Tú Thùy An Quyên Loan Hoa Đan Ánh Nga Bình Tâm"""
_RARE_MALE = """
    Bính Đinh Mậu Canh Tân Nhâm Quý Tý Sửu Dần Mão Thìn Tỵ Ngọ Mùi Thân Dậu Tuất Hợi Lợi Lực Lượng Luyện Lịch Mão Năm Sáu Bảy Tám Chín
    Mười Ba Tư Út Cả Hai Đệ Định Độ Doanh Du Dần Khiêm Khuê Khởi Kha Hữu Hạnh Hanh Hà Hoạt Hoàn Hoạch Huấn Huân Hùng Hội Liêm Luận
    Lương Mạnh Nhuận Nhiệm Oai Phi Phú Phước Quyền Quyết Sáng Sinh Sự Thạch Thăng Thể Thiệp Thọ Thuyết Thụ Thức Tình Tính Tộ Triển
    Trình Trụ Tường Ước Viện Viễn Xuyên Xương Yên Biên Cảnh Cần Chánh Chương Cơ Cử Diện Điền Đoàn Đồng Giáp"""
_RARE_FEMALE = """
    Ba Tư Năm Sáu Bảy Tám Chín Mười Út Hai Cúc Đào Lài Lựu Mận Mơ Nụ Nhài Sen Súng Bưởi Cam Quýt Bông Bé Gái Lành Hiếu Thảo Nết Na
    Ngoan Lượm Rớt Xinh Đẹp Thắm Thoa Thoan Thơ Thủy Thịnh Thuận Tình Toan Tươi Tẹo Vui Vượng Xoan Xuyến Ái Ân Bạch Băng Cẩm Chín
    Chuyên Diễm Diệu Dịu Đoan Hậu Hoài Hoàn Huê Huệ Khanh Khuyên Kiều Lam Lê Lệ Lương Mùi Mây Mừng Nhã Nhàn Nhạn Nhiên Như Ninh Nhật
    Phấn Phi Phúc Sinh Sâm Tần Thành Thạch Thái Thanh Thiết Thương Tính Trà Trúc Viên Viễn Vinh Xuyên Ý Yên"""


def _table(*parts: Mapping[str, float]) -> dict[str, float]:
    """Words with weights; a word of several parts has the sum."""
    found: dict[str, float] = {}
    for part in parts:
        for word, weight in part.items():
            found[word] = found.get(word, 0.0) + weight
    return found


def _falling(words: str, share: float, flat: float) -> dict[str, float]:
    """Weights that fall as 1 / (rank + flat) and sum to `share`."""
    unique = list(dict.fromkeys(words.split()))
    weights = 1 / (np.arange(len(unique)) + flat)
    return dict(zip(unique, (share * weights / weights.sum()).tolist(), strict=True))


SURNAME = _table(sample.SURNAMES, _falling(_RARE_SURNAMES, 1.1, 20))
_MALE_GIVEN = {
    False: _table(_falling(sample.MALE, 0.8, 14), _falling(_RARE_MALE, 0.2, 40)),
    True: _table(_falling(_YOUNG_MALE, 0.85, 10), _falling(sample.MALE, 0.12, 30), _falling(_RARE_MALE, 0.03, 60)),
}
_FEMALE_GIVEN = {
    False: _table(_falling(sample.FEMALE, 0.8, 14), _falling(_RARE_FEMALE, 0.2, 40)),
    True: _table(_falling(_YOUNG_FEMALE, 0.85, 10), _falling(sample.FEMALE, 0.12, 30), _falling(_RARE_FEMALE, 0.03, 60)),
}
_MIDDLE = {
    (False, False): sample.MALE_OLD, (False, True): sample.MALE_NEW, (True, False): sample.FEMALE_OLD, (True, True): sample.FEMALE_NEW,
}  # fmt: skip
_SECOND_SHARE = {False: 0.10, True: 0.38}  # four-word names are the habit of the young

WORDS = sorted(
    {*SURNAME, *_SECOND_MIDDLES.split()}
    | {w for t in (*_MALE_GIVEN.values(), *_FEMALE_GIVEN.values()) for w in t}
    | {w for t in _MIDDLE.values() for w in t}
)
NO_WORD = len(WORDS)
_NUMBER = {word: i for i, word in enumerate(WORDS)}
USUAL = np.array([_NUMBER["Thị"], _NUMBER["Văn"]], np.int16)


def _drawn(rng: np.random.Generator, table: Mapping[str, float], size: int) -> Array:
    """Numbers of words, by a table of 65,536 places: a choice with `p` would search for each."""
    weights = np.array(list(table.values()))
    edges = np.round(np.cumsum(weights / weights.sum()) * 65_536).astype(np.int64)
    place = np.repeat(np.array([_NUMBER[w] for w in table], np.int16), np.diff(np.r_[0, edges]))
    drawn: Array = place[rng.integers(0, 65_536, size, dtype=np.uint16)]
    return drawn


def surnames(rng: np.random.Generator, size: int) -> Array:
    return _drawn(rng, SURNAME, size)


def _by_kind(rng: np.random.Generator, tables: Mapping[tuple[bool, bool], Mapping[str, float]], female: Array, young: Array) -> Array:
    found = np.empty(len(female), np.int16)
    for (of_women, of_young), table in tables.items():
        here = np.flatnonzero((female == of_women) & (young == of_young))
        found[here] = _drawn(rng, table, len(here))
    return found


def middle_names(rng: np.random.Generator, female: Array, young: Array) -> tuple[Array, Array]:
    """First and second middle name; `NO_WORD` where there is none."""
    first = _by_kind(rng, _MIDDLE, female, young)
    has_second = rng.random(len(female), np.float32) < np.where(young, _SECOND_SHARE[True], _SECOND_SHARE[False])
    second = np.where(has_second, _drawn(rng, _falling(_SECOND_MIDDLES, 1, 15), len(female)), np.int16(NO_WORD))
    return first, np.where(second == first, np.int16(NO_WORD), second)


def given_names(rng: np.random.Generator, female: Array, young: Array) -> Array:
    tables = {(w, y): (_FEMALE_GIVEN if w else _MALE_GIVEN)[y] for w in (False, True) for y in (False, True)}
    return _by_kind(rng, tables, female, young)


_TITLE, _UPPER, _SPREAD, _TONE_LATE, _SHORT_I, _BARE, _BARE_UPPER, _ETH = range(8)
FORMS = 8
# How many registers of a hundred write so. Two write no accents at all.
FORM_SHARE = (44, 24, 9, 10, 6, 1, 1, 5)
_LATE = {
    early: late
    for nucleus in ("oa", "oe", "uy")
    for tone in "\u0300\u0301\u0303\u0309\u0323"
    for early, late in [(nucleus[0] + tone + nucleus[1], nucleus[0] + nucleus[1] + tone)]
}


def spellings() -> pl.Series:
    """All words in all forms, `FORMS` tables one behind the other, each ending in the empty word for `NO_WORD`; a space before each."""
    word = pl.Series("word", [*(" " + w for w in WORDS), ""])
    frame = word.to_frame()
    text = pl.col("word")
    spread = text.str.normalize("NFD")
    bare = spread.str.replace_all(r"\p{M}", "").str.replace_many(["đ", "Đ"], ["d", "D"])
    short_i = spread.str.replace_all(r"\b([BĐGHKLMNPQRSTVX][hu]?)y(\p{M}*)\b", "${1}i$2")
    forms = {
        _TITLE: text,
        _UPPER: text.str.to_uppercase(),
        _SPREAD: spread,
        _TONE_LATE: spread.str.replace_many(list(_LATE), list(_LATE.values())).str.normalize("NFC"),
        _SHORT_I: short_i.str.normalize("NFC"),
        _BARE: bare,
        _BARE_UPPER: bare.str.to_uppercase(),
        _ETH: text.str.replace_many(["Đ", "đ"], ["Ð", "ð"]),
    }
    return pl.concat([frame.select(forms[i].alias("word")).to_series() for i in range(FORMS)], rechunk=True)


def written(spelt: pl.Series, form: Array, *words: Array) -> pl.Series:
    """The text of names: `form` and numbers of words, one array for each place in the name."""
    parts = {f"w{i}": spelt.gather(form.astype(np.int32) * (NO_WORD + 1) + word) for i, word in enumerate(words)}
    return pl.DataFrame(parts).select(name=pl.concat_str(pl.all()).str.slice(1)).to_series()


def is_bare(form: Array) -> Array:
    bare: Array = (form == _BARE) | (form == _BARE_UPPER)
    return bare


def bared(form: Array) -> Array:
    """The form without accents that looks like `form`."""
    alike: Array = np.where((form == _UPPER) | (form == _BARE_UPPER), _BARE_UPPER, _BARE)
    return alike
