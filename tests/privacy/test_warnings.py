"""A page that cannot be drawn is told of, without the text of the error: that may quote a row."""

from __future__ import annotations

import logging

import pytest

from flows.artifacts import whatever_happens


def test_what_could_not_be_written_is_named_and_the_night_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "bhyt"), whatever_happens("the page of persons"):
        raise ValueError("Phùng Diễm Thắm, 001180112233")
    (said,) = caplog.messages
    assert said.startswith("published, but the page of persons could not be written (ValueError, test_warnings.py:")
    assert "Phùng" not in said
    assert "0011" not in said
