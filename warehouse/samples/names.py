"""Vietnamese names with the frequencies that make linkage hard: few surnames, middle names by sex and cohort, common given names."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# domain/linkage.md §3: Nguyễn 38.4 %, Trần 11 %, Lê 9.5 % ...
SURNAMES = {
    "Nguyễn": 38.4, "Trần": 11.0, "Lê": 9.5, "Phạm": 7.1, "Hoàng": 3.5, "Huỳnh": 3.0, "Phan": 2.8, "Vũ": 2.4, "Võ": 2.2, "Đặng": 2.1,
    "Bùi": 2.0, "Đỗ": 1.9, "Hồ": 1.4, "Ngô": 1.3, "Dương": 1.0, "Lý": 0.8, "Đoàn": 0.7, "Đinh": 0.7, "Trịnh": 0.6, "Lương": 0.6,
    "Mai": 0.5, "Đào": 0.5, "Trương": 0.9, "Hà": 0.5, "Tạ": 0.3, "Lưu": 0.3, "Cao": 0.3, "Châu": 0.2, "Quách": 0.2, "Thạch": 0.2,
    "Vi": 0.2, "Lò": 0.3, "Giàng": 0.2, "Tô": 0.2, "Kiều": 0.1, "Phùng": 0.3, "La": 0.1, "Nông": 0.2, "Triệu": 0.2, "Chu": 0.2,
}  # fmt: skip
MALE_OLD = {"Văn": 55, "Hữu": 7, "Đức": 6, "Xuân": 5, "Công": 4, "Quang": 4, "Đình": 6, "Ngọc": 4, "Trọng": 3, "Thanh": 3, "Bá": 3}
MALE_NEW = {"Văn": 18, "Minh": 12, "Đức": 8, "Gia": 8, "Quốc": 7, "Hoàng": 7, "Anh": 5, "Thanh": 6, "Bảo": 5, "Tuấn": 5, "Xuân": 3,
            "Hữu": 4, "Công": 4, "Nhật": 4, "Đăng": 4}  # fmt: skip
FEMALE_OLD = {"Thị": 82, "Ngọc": 4, "Thanh": 3, "Kim": 4, "Thu": 3, "Thị Kim": 2, "Thị Thu": 2}
FEMALE_NEW = {"Thị": 34, "Ngọc": 11, "Thanh": 6, "Phương": 6, "Khánh": 5, "Bảo": 5, "Thị Thanh": 4, "Thị Ngọc": 5, "Quỳnh": 5, "Minh": 5,
              "Thảo": 4, "Gia": 4, "Tường": 2, "Kim": 4}  # fmt: skip
MALE = """
    Hùng Dũng Nam Long Sơn Tuấn Minh Hải Cường Thành Đức Anh Hiếu Quân Phong Tâm Hòa Thắng Bình An Khoa Kiên Huy Khang Phúc Tài Lộc Đạt
    Trung Việt Vinh Quang Thịnh Toàn Tú Hưng Lâm Tùng Phát Khánh Bảo Duy Hậu Tiến Mạnh Chiến Đông Giang Thái Thủy Sỹ Quý Lý Nghĩa"""
FEMALE = """
    Hương Lan Hoa Mai Thảo Linh Trang Hà Thủy Hằng Nga Hạnh Phương Yến Ngọc Anh Dung Loan Nhung Oanh Thu Xuân Tuyết Vân Hiền Huyền Ly My
    Nhi Như Quyên Tâm Thư Trâm Trinh Vy Diệp Châu Chi Giang Hòa Khuê Liên Lụa Mỹ Nguyệt Phượng Sương Thơm Uyên Hường Mến Duyên Lý Thúy"""


def _draw(rng: np.random.Generator, weights: Mapping[str, float], size: int) -> NDArray[np.object_]:
    p = np.array(list(weights.values()), dtype=float)
    return np.array(list(weights), dtype=object)[rng.choice(len(p), size, p=p / p.sum())]


def _zipf(names: str) -> dict[str, float]:
    return {n: 1 / (i + 8) for i, n in enumerate(names.split())}


def surnames(rng: np.random.Generator, size: int) -> NDArray[np.object_]:
    return _draw(rng, SURNAMES, size)


def middle_names(rng: np.random.Generator, female: NDArray[np.bool_], young: NDArray[np.bool_]) -> NDArray[np.object_]:
    n = len(female)
    old_name = np.where(female, _draw(rng, FEMALE_OLD, n), _draw(rng, MALE_OLD, n))
    return np.where(young, np.where(female, _draw(rng, FEMALE_NEW, n), _draw(rng, MALE_NEW, n)), old_name)


def given_names(rng: np.random.Generator, female: NDArray[np.bool_]) -> NDArray[np.object_]:
    n = len(female)
    return np.where(female, _draw(rng, _zipf(FEMALE), n), _draw(rng, _zipf(MALE), n))


def mistyped(rng: np.random.Generator, names: list[str]) -> list[str]:
    """One slip in each name, as clerks make them: a lost accent, a swapped or doubled letter, a dropped middle name."""
    slips = rng.integers(0, 4, len(names))
    return [_slip(name, int(kind)) for name, kind in zip(names, slips, strict=True)]


def _slip(name: str, kind: int) -> str:
    words = name.split()
    last = words[-1]
    if kind == 0:
        marks_lost = "".join(c for c in unicodedata.normalize("NFD", last) if not unicodedata.combining(c))
        return " ".join([*words[:-1], marks_lost.replace("đ", "d").replace("Đ", "D")])
    if kind == 1 and len(last) > 2:
        return " ".join([*words[:-1], last[:-2] + last[-1] + last[-2]])
    if kind == 2 and len(words) > 3:
        return " ".join([words[0], *words[2:]])
    return " ".join([*words[:-1], last + last[-1]])
