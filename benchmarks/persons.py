"""How fast and how right `transforms.persons.link` is, on made-up cards whose persons are known.

    python benchmarks/persons.py 20000 100000 1000000 [--dense] [--seed 1] [--noise 1.0]

The world: households (parents, children, grandparents; siblings share middle names, some are twins), Vietnamese name frequencies, and
cards with the causes of duplicates and the errors of docs/linkage.md. `--dense` folds births into five years (parents 1980-81, children
2010-11, the old 1955), so that about as many people share a birth date as in the whole nation when the cards are 5 million. What of
the model was corrected after looking at seed 1 is said in docs/linkage.md.
"""

from __future__ import annotations

import argparse
import resource
import time
import unicodedata
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.persons import Linkage, link

Array = npt.NDArray[Any]

_SURNAMES = """
    Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đoàn Vương Trịnh Đinh Lâm Phùng Mai Tô Trương
    Hà Cao Lương Thái Châu Tạ Chu Lưu Tống Quách Kiều Lò Vàng Giàng Thạch Nông Hứa Triệu Ma Nghiêm Doãn Mạc Tăng Đàm
"""
SURNAME_WEIGHTS = np.r_[38.4, 11, 9.5, 7, 5.1, 4.5, 3.9, 3.9, 2.1, 2, 1.4, 1.3, 1, 1, 0.9, np.full(35, 0.2)]
_MIDDLES = """
    Ngọc Minh Thanh Đức Hữu Quốc Thu Hoàng Xuân Kim Đình Quang Phương Bảo Gia Tuấn Công Thành Hồng Bích Mỹ Khánh Diệu Như
    Thúy Hải Trọng Duy Viết Bá Tiến Thế Thùy Quỳnh Trung Nhật Tường Cẩm Tấn Phú Việt Mạnh Ánh Chí Thái
"""
_MALE = """
    Hùng Dũng Minh Tuấn Nam Hải Long Bình Đức Sơn Thắng Cường Quang Trung Tùng Kiên Quân Thành Việt Phúc Tú Hưng Đạt Bảo An
    Khoa Khang Kiệt Hiếu Hòa Lộc Phong Phát Tài Thịnh Tiến Toàn Vinh Vũ Hoàng Lâm Duy Huy Khánh Anh Nghĩa Quý Sang Tân Thái
    Thiện Trí Tuân Đông Hậu Hiệp Khải Luân Nhân Nhật Chiến Công Lực Thuận Trọng Trường Bách Biên Cảnh Doanh Giáp Hạ Kha Lưu
"""
_FEMALE = """
    Hương Hoa Linh Hà Lan Hiền Thảo Trang Ngọc Hằng Nga Thủy Dung Phương Mai Vân Yến Hạnh Liên Loan Tâm Hồng Nhung Oanh Thu
    Xuân Nhi My Vy Thư Trâm Quỳnh Uyên Hân Châu Ngân Nguyên Anh Giang Chi Diễm Huyền Hoài Ly Nhàn Phượng Sen Thơm Tuyết Thúy
    Tuyền Thoa Thanh Lợi Bích Cúc Đào Huệ Lệ Ngà Nguyệt Như Trinh Ánh Mỹ Quyên Duyên Thương Tiên Băng Dịu Hảo Khuyên Miên Nụ
    Thùy
"""
SURNAMES, MIDDLES, MALE, FEMALE = _SURNAMES.split(), _MIDDLES.split(), _MALE.split(), _FEMALE.split()
COMMUNES, PROVINCES = 3_300, 34


def world(cards: int, seed: int = 1, noise: float = 1.0, dense: bool = False) -> pl.DataFrame:
    """About `cards` rows of a register with all columns that `link` reads, and `truth` (the person)."""
    rng = np.random.default_rng(seed)
    people = _people(int(cards * 0.9), rng, dense)
    return _cards(people, cards, rng, noise)


def _zipf(n: int, flat: float) -> Array:
    weights = 1 / (np.arange(n) + flat)
    return weights / weights.sum()


def _people(count: int, rng: np.random.Generator, dense: bool) -> dict[str, Array]:
    homes = count // 3
    children = rng.choice(5, homes, p=[0.25, 0.25, 0.35, 0.1, 0.05])
    elder = rng.random(homes) < 0.35
    role = [np.zeros(homes, int), np.ones(homes, int), np.full(elder.sum(), 2), np.full(children.sum(), 3)]
    home = np.concatenate([np.arange(homes), np.arange(homes), np.flatnonzero(elder), np.repeat(np.arange(homes), children)])
    roles = np.concatenate(role)
    n = len(roles)
    mother_year = rng.integers(1948, 2000, homes)
    year = np.where(roles == 1, mother_year[home], np.where(roles == 0, mother_year[home] - rng.integers(-2, 6, n), 0))
    year = np.where(roles == 2, mother_year[home] - rng.integers(20, 34, n), year)
    year = np.where(roles == 3, np.minimum(mother_year[home] + rng.integers(20, 38, n), 2024), year)
    day = rng.integers(0, 365, n)
    female = np.where(roles == 1, True, np.where(roles == 0, False, rng.random(n) < 0.5))
    share = SURNAME_WEIGHTS / SURNAME_WEIGHTS.sum()
    surname = rng.choice(len(SURNAMES), n, p=share)
    fathers = surname[:homes]
    surname = np.where((roles == 3) | ((roles == 2) & ~female), fathers[home], surname)
    young = year > 1990
    usual = rng.random(n) < np.where(female, np.where(young, 0.3, 0.75), np.where(young, 0.2, 0.5))
    middle = rng.choice(len(MIDDLES), n, p=_zipf(len(MIDDLES), 6))
    second = np.where(rng.random(n) < np.where(young, 0.3, 0.08), rng.choice(len(MIDDLES), n), -1)
    brother = np.r_[False, (home[1:] == home[:-1]) & (roles[1:] == 3) & (roles[:-1] == 3)]
    shared = np.flatnonzero(brother & (rng.random(n) < 0.4))
    for part in (usual, middle, second):
        part[shared] = part[shared - 1]
    twin = np.flatnonzero(brother & (rng.random(n) < 0.02))
    year[twin], day[twin] = year[twin - 1], day[twin - 1]
    given = np.where(female, rng.choice(len(FEMALE), n, p=_zipf(len(FEMALE), 12)), rng.choice(len(MALE), n, p=_zipf(len(MALE), 12)))
    given[twin] = np.where(given[twin] == given[twin - 1], (given[twin] + 7) % 70, given[twin])
    if dense:
        year = np.select([roles == 3, roles == 2], [2010 + year % 2, 1955], 1980 + year % 2)
    commune = rng.choice(COMMUNES, homes, p=_zipf(COMMUNES, 800))[home]
    century_and_sex = np.where(year >= 2000, 2, 0) + female
    serial = rng.permutation(np.arange(10**6))[np.arange(n) % 10**6]
    birth_place = np.where(rng.random(n) < 0.9, commune % PROVINCES, rng.integers(0, PROVINCES, n)) * 2 + 1
    citizen = (birth_place * 1_000 + century_and_sex * 100 + year % 100) * 1_000_000 + serial
    citizen[twin] = citizen[twin - 1] + 1 + 100_000_000 * (female[twin].astype(int) - female[twin - 1])
    return {
        "home": home, "role": roles, "year": year, "day": day, "female": female, "surname": surname, "usual": usual, "middle": middle,
        "second": second, "given": given, "commune": commune, "citizen": citizen,
        "insured": rng.permutation(n) * 97 + rng.integers(0, 90, n) + 10**9,
    }  # fmt: skip


def _name(p: dict[str, Array], i: int) -> str:
    words = [SURNAMES[p["surname"][i]]]
    if p["usual"][i]:
        words.append("Thị" if p["female"][i] else "Văn")
    else:
        words.append(MIDDLES[p["middle"][i]])
    if p["second"][i] >= 0:
        words.append(MIDDLES[p["second"][i]])
    words.append((FEMALE if p["female"][i] else MALE)[p["given"][i]])
    return " ".join(words)


def _spoilt(name: str, kind: str, rng: np.random.Generator) -> str:
    words = name.split()
    if kind == "bare":
        return "".join(c for c in unicodedata.normalize("NFD", name).replace("đ", "d").replace("Đ", "D") if not unicodedata.combining(c))
    if kind == "tone":
        spread = unicodedata.normalize("NFD", name)
        tones = [i for i, c in enumerate(spread) if c in "\u0300\u0301\u0303\u0309\u0323"]
        at = tones[rng.integers(len(tones))] if tones else None
        return name if at is None else spread[:at] + str(rng.choice(list("\u0300\u0301\u0309"))) + spread[at + 1 :]
    if kind == "slip":
        at = int(rng.integers(1, len(name)))
        return name[:at] + str(rng.choice(["", "n", "h", name[at] * 2])) + name[at + 1 :]
    if kind == "dropped":
        return " ".join([words[0], *words[2:]])
    if kind == "order":
        return " ".join([words[-1], *words[:-1]])
    return name.replace(" ", "")


def _cards(p: dict[str, Array], cards: int, rng: np.random.Generator, noise: float) -> pl.DataFrame:
    people = len(p["year"])
    extra = max(cards - people, people // 10)
    further = rng.integers(0, people, extra)
    who = np.r_[np.arange(people), further]
    n = len(who)
    again = np.arange(n) >= people

    def some(chance: float) -> Array:
        return rng.random(n) < chance * noise

    text = np.array([_name(p, i) for i in range(people)], dtype=object)[who]
    for kind, chance in (("bare", 0.045), ("tone", 0.01), ("slip", 0.015), ("dropped", 0.02), ("order", 0.004), ("spaces", 0.003)):
        for i in np.flatnonzero(some(chance)):
            text[i] = _spoilt(text[i], kind, rng)
    month = np.minimum(p["day"][who] // 31 + 1, 12)
    day = p["day"][who] % 28 + 1
    year = p["year"][who].copy()
    swap = some(0.005) & (day <= 12)
    month, day = np.where(swap, day, month), np.where(swap, month, day)
    slip = some(0.01)
    day = np.where(slip, (day + 10 - 1) % 28 + 1, day)
    year = np.where(some(0.004), year + rng.choice([-10, -1, 1, 10], n), year)
    vague = some(0.03) | (some(0.06) & (year < 1965))
    first = vague | some(0.03)
    month, day = np.where(first, 1, month), np.where(first, 1, day)
    precision = np.where(vague & (rng.random(n) < 0.5), "year", "day")
    sex = np.where(p["female"][who] ^ some(0.003), "2", "1")

    citizen = p["citizen"][who]
    mother = p["citizen"][len(np.unique(p["home"])) : 2 * len(np.unique(p["home"]))][p["home"][who]]
    citizen = np.where((p["role"][who] == 3) & some(0.02), mother, citizen)
    citizen = np.where(some(0.012), citizen + 10 ** rng.integers(0, 6, n), citizen)
    slip_of = some(0.0005)
    citizen[slip_of] = rng.permutation(citizen[slip_of])
    numbers = pl.Series(citizen).cast(pl.String).str.zfill(12)
    old = (rng.random(n) < 0.15) & (year < 1995)
    numbers = pl.select(
        pl.when(pl.Series(some(0.003))).then(pl.lit("000000000000"))
        .when(pl.Series(old)).then(pl.Series(p["citizen"][who] % 899_999_981 + 10**8).cast(pl.String))
        .when(pl.Series(rng.random(n) < 0.72)).then(numbers)
    ).to_series()  # fmt: skip

    insured = p["insured"][who]
    insured = np.where(again & (rng.random(n) < 0.6), insured + 5_000_000_000, insured)
    insured = np.where(again & (insured > 5_999_999_999), insured + rng.integers(0, 10**8, n), insured)
    moved = again & (rng.random(n) < 0.3)
    near = again & ~moved & (rng.random(n) < 0.15)
    commune = p["commune"][who]
    commune = np.where(moved, rng.integers(0, COMMUNES, n), np.where(near, (commune + PROVINCES) % COMMUNES, commune))
    province = commune % PROVINCES
    group = rng.choice(["DN", "HC", "GD", "TE", "HS", "BT"], n)
    level = rng.integers(1, 6, n)
    frame = pl.DataFrame({"name": text.astype(str), "source": province * 3 + rng.integers(0, 3, n)}).with_columns(
        pl.when(pl.col("source") % 3 == 0).then(pl.col("name").str.to_uppercase()).otherwise("name").alias("name")
    )
    frame = frame.with_columns(pl.when(pl.col("source") % 7 == 0).then(pl.col("name").str.normalize("NFD")).otherwise("name").alias("name"))
    key = pl.Series(insured).cast(pl.String).str.zfill(10)
    number = pl.select(
        pl.when(pl.Series(some(0.2) & ~again)).then(key)
        .otherwise(pl.concat_str(pl.Series(group), pl.Series(level).cast(pl.String), pl.Series(province + 10).cast(pl.String), key))
    ).to_series()  # fmt: skip
    built = pl.DataFrame({
        "card_number": number, "social_insurance_number": key, "citizen_id": numbers, "full_name": frame["name"],
        "y": year, "m": month, "d": day, "birth_precision": precision, "sex": sex,
        "province_code": pl.Series(province + 10).cast(pl.String),
        "old_province_code": pl.Series(province * 2 + commune // PROVINCES % 2).cast(pl.String).str.zfill(2),
        "commune_code": pl.Series(commune).cast(pl.String).str.zfill(5),
        "household": pl.Series(p["home"][who] + 1).cast(pl.String).str.zfill(10), "truth": who, "keep": rng.random(n),
    })  # fmt: skip
    return built.select(
        "card_number",
        pl.when(pl.col("keep") < 0.8).then("social_insurance_number").alias("social_insurance_number"),
        "citizen_id",
        "full_name",
        pl.date("y", "m", "d").alias("birth_date"),
        "birth_precision",
        "sex",
        "province_code",
        "old_province_code",
        "commune_code",
        pl.when(pl.col("keep") * 10 % 1 < 0.4).then("household").alias("household"),
        pl.lit(date(2025, 12, 1)).alias("period"),
        pl.lit(1, pl.Int64).alias("received_rank"),
        "truth",
    ).sample(fraction=1.0, shuffle=True, seed=int(rng.integers(2**31)))


def quality(linkage: Linkage, cards: pl.DataFrame) -> dict[str, float]:
    """Precision, recall and F1 over pairs of cards, from the persons found and the true ones."""
    truth = cards.select("card_number", "truth").unique("card_number", keep="any")
    both = linkage.card_persons.join(truth, on="card_number").unique("card_key", keep="first", maintain_order=True)

    def pairs(*columns: str) -> float:
        size = both.group_by(columns).len()["len"].cast(pl.Int64)
        return float((size * (size - 1) // 2).sum())

    right, said, true = pairs("person_id", "truth"), pairs("person_id"), pairs("truth")
    precision, recall = right / max(said, 1), right / max(true, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for size in asked.sizes:
        cards = world(size, asked.seed, asked.noise, asked.dense)
        seconds = []
        for _ in range(asked.runs):
            start = time.perf_counter()
            linkage = link(cards)
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = quality(linkage, cards)
        print(
            f"{cards.height:>10,} cards  {np.median(seconds):6.2f} s  {peak:7.0f} MB  {linkage.report['pairs_compared']:>11,} pairs  "
            f"{linkage.report['persons']:>10,} persons (true {cards['truth'].n_unique():,})  "
            f"P {found['precision']:.4f}  R {found['recall']:.4f}  F1 {found['f1']:.4f}"
        )


if __name__ == "__main__":
    main()
