"""Times in the forms that JavaScript reads and RFC 3339 lacks: a date alone, no seconds, 24:00."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from tracer.records import Json
from tracer.wire.reading import read_item

T = TypeVar("T", bound=msgspec.Struct)

_TIME: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d+)?)?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?"
)


def lenient_time(value: Json) -> Json:
    """Return a time as RFC 3339 where it has one of the other forms; any other value unchanged."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    day, clock = match["day"], [match["hour"] or "00", match["minute"] or "00"]
    clock.append(match["second"] or "00")
    fraction = match["fraction"] or ""
    if clock == ["24", "00", "00"] and not fraction.strip(".0"):
        try:
            day = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
        except (ValueError, OverflowError):
            return value
        clock[0] = "00"
    return f"{day}T{':'.join(clock)}{fraction}{match['zone'] or ''}"


def read_sent(value: Json, kind: type[T], *, strict: bool = True) -> T:
    """Return ``value`` as a ``kind`` like `read_item`, with times in any of their forms.

    Raises Invalid.
    """
    if isinstance(value, dict) and (names := _time_fields(kind) & value.keys()):
        value = {**value, **{name: lenient_time(value[name]) for name in names}}
    return read_item(value, kind, strict=strict)


@cache
def _time_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the sent names of the fields that are times."""
    hints = get_type_hints(kind)
    names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return frozenset(sent for name, sent in names if _is_time(hints[name]))


def _is_time(hint: Any) -> bool:
    return hint is datetime or any(_is_time(part) for part in get_args(hint))
