"""The filter form of a list: what the URL asks for, the pick lists, the chips that take it back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from tracer.errors import Invalid

LABELS = {
    "status": "status",
    "name": "name",
    "environment": "env",
    "tag": "tag",
    "user": "user",
    "session": "session",
    "marked": "marked",
    "from": "from",
    "to": "to",
}
PERIODS = (
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)
MARKS = (("bookmarked", "Bookmarked"), ("commented", "With comments"), ("scored", "With scores"))
# Relative times stay true in a bookmark.
_AGO = re.compile(r"(\d{1,4})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class BadFilter(Invalid):
    """A filter that can't be understood; the message names it."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in use, and the address of the list without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick list: its field, what it says when nothing is picked, and (value, label) pairs."""

    field: str
    any: str
    options: list[tuple[str, str]]
    chosen: str


class Filters:
    """The filters of a request, out of the fields that its list knows."""

    def __init__(self, args: MultiDict[str, str], fields: Sequence[str], path: str) -> None:
        self.values: Mapping[str, str] = {
            name: args[name].strip() for name in fields if args.get(name, "").strip()
        }
        self._path = path

    def __bool__(self) -> bool:
        return bool(self.values)

    def get(self, name: str) -> str | None:
        """Return the filter's text, None where it is not in use."""
        return self.values.get(name)

    def time(self, name: str, now: datetime) -> datetime | None:
        """Return a time given as ISO 8601 (UTC unless it says otherwise) or as e.g. ``24h`` ago.

        Raises BadFilter.
        """
        text = self.values.get(name)
        if text is None:
            return None
        if match := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise BadFilter(
                f"{name}={text!r}: expected a time like 2026-11-23T14:00, or 24h for a day ago."
            ) from None
        # Form fields send no zone, and pages show UTC.
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    def local(self, name: str) -> str:
        """Return a time for a form field, which takes no relative ones and no zones."""
        text = self.values.get(name, "")
        return text[:19] if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text) else ""

    def chips(self) -> list[Chip]:
        """Return a chip per filter in use."""
        return [
            Chip(LABELS[name], self._shown(name, value), self.url(without=name))
            for name, value in self.values.items()
        ]

    def pick(self, name: str, unset: str, values: Sequence[str]) -> Pick:
        """Return a pick list; a value in use stays in it even where it is no longer offered."""
        chosen = self.values.get(name, "")
        options = [(value, value) for value in values]
        # Pick lists are samples: a link may ask for what they don't hold.
        if chosen and chosen not in values:
            options.insert(0, (chosen, chosen))
        return Pick(name, unset, options, chosen)

    def marks(self) -> Pick:
        """Return the pick list of what people made of it."""
        chosen = self.values.get("marked", "")
        return Pick("marked", "Any marks", list(MARKS), chosen)

    def mark(self) -> dict[str, bool]:
        """Return the condition that the pick list of marks stands for; raises BadFilter."""
        chosen = self.values.get("marked")
        if chosen is None:
            return {}
        if chosen not in dict(MARKS):
            known = ", ".join(name for name, _ in MARKS)
            raise BadFilter(f"marked={chosen!r}: expected one of {known}.")
        return {chosen: True}

    def period(self) -> Pick:
        """Return the pick list of the time."""
        chosen = self.values.get("from", "")
        options = list(PERIODS)
        if chosen and chosen not in dict(PERIODS):
            options.insert(0, (chosen, f"Since {self._shown('from', chosen)}"))
        return Pick("from", "Any time", options, chosen)

    def url(self, without: str = "", **more: str | None) -> str:
        """Return the list's address with the filters in use but ``without``, and ``more``."""
        # A cursor is never kept: it points into the list of other filters.
        query = {name: value for name, value in self.values.items() if name != without}
        query |= {name: value for name, value in more.items() if value}
        return f"{self._path}?{urlencode(query)}" if query else self._path

    def _shown(self, name: str, value: str) -> str:
        if name not in ("from", "to"):
            return value
        if match := _AGO.fullmatch(value):
            return f"{match[1]} {_UNITS[match[2]]} ago"
        return value.replace("T", " ")
