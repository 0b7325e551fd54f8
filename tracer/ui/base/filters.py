"""The filter form of a list: filters in the URL, pick lists, the chips that remove filters."""

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
    "marked": "annotation",
    "from": "from",
    "to": "to",
}
PERIODS = (
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)
ANNOTATIONS = (
    ("bookmarked", "Bookmarked"),
    ("commented", "Commented"),
    ("scored", "Scored"),
)
# Relative times stay true in a saved link.
_AGO = re.compile(r"(\d{1,4})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class BadFilter(Invalid):
    """An invalid filter; the message names it."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in use, and the address of the list without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class PickList:
    """A pick list of a filter form."""

    field: str
    any: str
    """The label of the empty option."""
    options: list[tuple[str, str]]
    """Pairs of value and label."""
    chosen: str


class Filters:
    """The filters of a request, restricted to the fields of its list."""

    def __init__(self, args: MultiDict[str, str], fields: Sequence[str], path: str) -> None:
        self.values: Mapping[str, str] = {
            name: args[name].strip() for name in fields if args.get(name, "").strip()
        }
        self._path = path

    def __bool__(self) -> bool:
        return bool(self.values)

    def get(self, name: str) -> str | None:
        """Return the text of a filter, None if it is not used."""
        return self.values.get(name)

    def time(self, name: str, now: datetime) -> datetime | None:
        """Return a time given in ISO 8601 (UTC without an offset), or relative as in ``24h``.

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
        # Form fields send no offset, and pages show UTC.
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    def local(self, name: str) -> str:
        """Return a time as a form field takes it: without an offset, and "" for a relative time."""
        text = self.values.get(name, "")
        return text[:19] if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text) else ""

    def chips(self) -> list[Chip]:
        """Return a chip for each filter in use."""
        return [
            Chip(LABELS[name], self._shown(name, value), self.url(without=name))
            for name, value in self.values.items()
        ]

    def pick_list(self, name: str, unset: str, values: Sequence[str]) -> PickList:
        """Return the pick list of a filter; it always contains the chosen value."""
        chosen = self.values.get(name, "")
        options = [(value, value) for value in values]
        # The values are a sample: a link may have another one.
        if chosen and chosen not in values:
            options.insert(0, (chosen, chosen))
        return PickList(name, unset, options, chosen)

    def annotation_list(self) -> PickList:
        """Return the pick list of annotations, the filter ``marked``."""
        chosen = self.values.get("marked", "")
        return PickList("marked", "Any annotations", list(ANNOTATIONS), chosen)

    def annotation_condition(self) -> dict[str, bool]:
        """Return the filter ``marked`` as a condition of the store; raises BadFilter."""
        chosen = self.values.get("marked")
        if chosen is None:
            return {}
        if chosen not in dict(ANNOTATIONS):
            known = ", ".join(name for name, _ in ANNOTATIONS)
            raise BadFilter(f"marked={chosen!r}: expected one of {known}.")
        return {chosen: True}

    def period_list(self) -> PickList:
        """Return the pick list of the time range."""
        chosen = self.values.get("from", "")
        options = list(PERIODS)
        if chosen and chosen not in dict(PERIODS):
            options.insert(0, (chosen, f"Since {self._shown('from', chosen)}"))
        return PickList("from", "Any time", options, chosen)

    def url(self, without: str = "", **more: str | None) -> str:
        """Return the address of the list without the filter ``without``, with ``more`` added."""
        # A cursor is not preserved: it belongs to the list with the previous filters.
        query = {name: value for name, value in self.values.items() if name != without}
        query |= {name: value for name, value in more.items() if value}
        return f"{self._path}?{urlencode(query)}" if query else self._path

    def _shown(self, name: str, value: str) -> str:
        if name not in ("from", "to"):
            return value
        if match := _AGO.fullmatch(value):
            return f"{match[1]} {_UNITS[match[2]]} ago"
        return value.replace("T", " ")
