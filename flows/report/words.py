"""The words of the pages, from `words.toml`: both languages of every phrase, or the page is not drawn."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from flows.report.numbers import Language


@cache
def words(language: Language) -> dict[str, str]:
    """Key → phrase in one language."""
    phrases = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {key: phrase[language] for key, phrase in phrases.items()}
