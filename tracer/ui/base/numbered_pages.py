"""Pages by number, for short lists such as prompts and datasets."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request

PER_PAGE = 50
# OFFSET reads the rows that it skips; nobody pages further by hand.
_LAST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """The requested page of a list, and the addresses of its neighbours."""

    number: int

    @classmethod
    def from_request(cls) -> NumberedPage:
        """Return the page in the query string; the first if it is missing or invalid."""
        return cls(min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE))

    @property
    def offset(self) -> int:
        """The number of rows before the page."""
        return (self.number - 1) * PER_PAGE

    def newer(self) -> str | None:
        """Return the address of the previous page, None on the first."""
        return _address(self.number - 1) if self.number > 1 else None

    def older(self, total: int) -> str | None:
        """Return the address of the next page of `total` rows, None on the last."""
        return _address(self.number + 1) if self.offset + PER_PAGE < total else None


def _address(number: int) -> str:
    """Return the address of a page with the other parameters of this one."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    return f"?{urlencode([*kept, ('page', number)])}"
