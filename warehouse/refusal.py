"""Why a delivery is refused whole."""

from __future__ import annotations


class Refusal(Exception):
    """A delivery cannot be read. `code` is for machines, `reason` for people (what, where, what to do), never a personal value."""

    def __init__(self, code: str, reason: str, position: str = "") -> None:
        super().__init__(f"{reason} ({position})" if position else reason)
        self.code = code
        self.reason = reason
        self.position = position

    def __reduce__(self) -> tuple[type[Refusal], tuple[str, str, str]]:
        return Refusal, (self.code, self.reason, self.position)  # it comes back from processes that read
