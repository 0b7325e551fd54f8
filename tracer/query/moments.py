"""Points and periods of time in queries: relative ones, named days, and dates of any precision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d{1,6})?)?)?"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_AGO: Final = re.compile(r"-(\d{1,5})(min|m|h|d|w)")
_UNITS: Final = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 9998
DAYS: Final = ("today", "yesterday")
"""The names of days: periods in the visitor's time zone."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What times of a query are relative to: the time of the request and the visitor's zone."""

    now: datetime
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it was written, in canonical form: ``-24h``, ``today``, ``2026-11-23T14:00``."""

    text: str


def parse_moment(text: str) -> Moment | None:
    """Return the moment that ``text`` is; None: it is none, or a date that does not exist."""
    if text == "now" or text in DAYS:
        return Moment(text)
    if ago := _AGO.fullmatch(text):
        unit = "m" if ago[2] == "min" else ago[2]
        return Moment(f"-{int(ago[1])}{unit}")
    if _DATE.fullmatch(text):
        moment = Moment(text)
        try:
            resolve(moment, Clock(datetime(2000, 1, 1, tzinfo=UTC)))
        except (ValueError, OverflowError):
            return None
        return moment
    return None


def is_point(moment: Moment) -> bool:
    """Return whether the moment is a point of time, relative to now: no value equals it."""
    return moment.text == "now" or moment.text.startswith("-")


def is_period(moment: Moment) -> bool:
    """Return whether the moment is a whole day, month or year."""
    return not is_point(moment) and "T" not in moment.text


def resolve(moment: Moment, clock: Clock) -> tuple[datetime, datetime]:
    """Return (start, end) of the moment in UTC, end exclusive; start and end of a point are equal.

    Raises ValueError or OverflowError for a date that does not exist.
    """
    text = moment.text
    if text == "now":
        return clock.now, clock.now
    if ago := _AGO.fullmatch(text):
        time = clock.now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return time, time
    if text in DAYS:
        today = clock.now.astimezone(clock.zone).replace(tzinfo=None)
        day = datetime(today.year, today.month, today.day) - timedelta(days=DAYS.index(text))
        return _utc(day, clock.zone), _utc(day + timedelta(days=1), clock.zone)
    return _resolve_date(text, clock.zone)


def _resolve_date(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time")
    parts = match.groupdict()
    if parts["offset"]:
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{parts['offset']}").tzinfo or UTC
    names = ("year", "month", "day", "hour", "minute", "second")
    numbers = [int(parts[name] or (1 if name in ("month", "day") else 0)) for name in names]
    if not _FIRST_YEAR <= numbers[0] <= _LAST_YEAR:
        raise ValueError(f"expected a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    start = datetime(*numbers)  # type: ignore[arg-type]
    if parts["fraction"]:
        start += timedelta(microseconds=int(parts["fraction"][1:].ljust(6, "0")))
    length = _period_length(start, parts)
    if parts["minute"]:
        # Where clocks go back, the local time of a minute later may be an hour later.
        begin = _utc(start, zone)
        return begin, begin + length
    return _utc(start, zone), _utc(start + length, zone)


def _period_length(start: datetime, parts: dict[str, str | None]) -> timedelta:
    """Return the length of the period: the unit of the most precise written part."""
    if parts["fraction"]:
        return timedelta(microseconds=10 ** (7 - len(parts["fraction"])))
    for name in ("second", "minute", "hour", "day"):
        if parts[name]:
            return timedelta(**{f"{name}s": 1})
    if parts["month"]:
        return (start + timedelta(days=31)).replace(day=1) - start
    return start.replace(year=start.year + 1) - start


def _utc(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
