"""Profiles: how a province says that its files differ (docs/profiles.md)."""

import re
from pathlib import Path

import pytest

from expectations.exports import CARDS
from warehouse import profiles
from warehouse.readers import tabular
from warehouse.refusal import Refusal


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def test_a_provinces_own_profile_comes_before_the_exports(tmp_path):
    write(tmp_path, "a.toml", 'export = "cards"\nencoding = "tcvn3"\n')
    write(tmp_path, "b.toml", 'export = "cards"\nprovince = "22"\nbad_rows_limit_pct = 8\ndelimiter = "\\t"\n')
    found = profiles.load([tmp_path, tmp_path / "none"])
    assert found.for_("cards", "22") == profiles.Profile("cards", "22", delimiter="\t", bad_rows_limit_pct=8.0, file="b.toml")
    assert found.for_("cards", "01") == found.for_("cards", None) == profiles.Profile("cards", encoding="tcvn3", file="a.toml")
    assert found.for_("targets", "22") is None


def test_a_later_directory_replaces_and_the_fingerprint_tells(tmp_path):
    write(tmp_path / "shipped", "a.toml", 'export = "cards"\nprovince = "22"\nencoding = "tcvn3"\n')
    write(tmp_path / "own", "z.toml", 'export = "cards"\nprovince = "22"\nencoding = "vni"\n')
    shipped, both = profiles.load([tmp_path / "shipped"]), profiles.load([tmp_path / "shipped", tmp_path / "own"])
    profile = both.for_("cards", "22")
    assert profile is not None
    assert profile.encoding == "vni"
    assert shipped.fingerprint != both.fingerprint
    assert profiles.load([tmp_path / "shipped"]).fingerprint == shipped.fingerprint


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("export = ", "a.toml"),
        ('export = "claims"', "key export"),
        ('province = "22"', "key export"),
        ('export = "cards"\nprovince = 22', "key province"),
        ('export = "cards"\ncolour = "red"', "key colour"),
        ('export = "cards"\n[columns]\n"Mã" = "MA_LK"', 'key columns."Mã"'),
        ('export = "cards"\ncolumns = 3', "key columns"),
        ('export = "cards"\n[values.SEX]\n"x" = "1"', "key values.SEX"),
        ('export = "cards"\n[values.GIOI_TINH]\n"x" = 1', 'key values.GIOI_TINH."x"'),
        ('export = "cards"\nencoding = "big5"', "key encoding"),
        ('export = "cards"\ndelimiter = "x"', "key delimiter"),
        ('export = "cards"\nbad_rows_limit_pct = 101', "key bad_rows_limit_pct"),
        ('export = "cards"\nbad_rows_limit_pct = true', "key bad_rows_limit_pct"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path, text, key):
    write(tmp_path, "a.toml", text)
    with pytest.raises(Refusal) as refused:
        profiles.load([tmp_path])
    assert refused.value.code == "bad_profile"
    assert "a.toml" in refused.value.reason
    assert key in refused.value.reason


def test_two_profiles_for_the_same_files_are_a_mistake(tmp_path):
    for name in ("a.toml", "b.toml"):
        write(tmp_path, name, 'export = "cards"\nprovince = "22"')
    with pytest.raises(Refusal, match=r"b\.toml, key export: a\.toml"):
        profiles.load([tmp_path])


def test_the_worked_example_of_the_manual(tmp_path):
    manual = Path(__file__).parents[2].joinpath("docs/profiles.md").read_text()
    example, profile = re.findall(r"```(?:toml)?\n(.*?)```", manual, re.DOTALL)[:2]
    (tmp_path / "cards.csv").write_text(example)
    with pytest.raises(Refusal) as refused:
        list(tabular.read(tmp_path / "cards.csv", CARDS))
    assert refused.value.reason in manual
    (rows,) = [b for b in tabular.read(tmp_path / "cards.csv", CARDS, profiles.parse("cao-bang-cards.toml", profile.encode())) if b.height]
    assert rows.select("card_number", "sex").rows() == [("GD4040000000001", "2"), ("GD4040000000002", "1")]
