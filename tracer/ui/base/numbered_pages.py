"""Pages by number, for lists that people keep by hand and that stay short."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

PER_PAGE = 50
# OFFSET reads what it skips; nobody turns that many pages by hand.
_LAST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Numbered:
    """Which page of a list is asked for, and the addresses of those beside it."""

    number: int

    @classmethod
    def read(cls) -> Numbered:
        """Return the page that the address asks for; the first where it can't be read."""
        return cls(min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE))

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * PER_PAGE

    def newer(self) -> str | None:
        """Return the address of the page before."""
        return f"?page={self.number - 1}" if self.number > 1 else None

    def older(self, total: int) -> str | None:
        """Return the address of the page after, None where `total` rows end before it."""
        return f"?page={self.number + 1}" if self.offset + PER_PAGE < total else None
