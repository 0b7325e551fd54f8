"""Conversions of times: microseconds since the epoch, SQL, JSON, and text for pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


_MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Return microseconds since the epoch, exact (a float would lose the last digits)."""
    return (time - EPOCH) // _MICROSECOND


def optional_micros(time: datetime | None) -> int | None:
    """Return microseconds since the epoch, None for no time."""
    return None if time is None else to_micros(time)


def from_micros(micros: int) -> datetime:
    """Return the UTC time of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def sql_time(micros: int) -> str:
    """Return microseconds since the epoch as text in a format of PostgreSQL and JSON."""
    return f"{_second(micros // 1_000_000)}.{micros % 1_000_000:06}+00:00"


def parse_time(text: str) -> datetime | None:
    """Return a time in ISO 8601 in UTC; without an offset it is read as UTC.

    None: the text is no time, or one outside the years 1970 to 9998, for which some conversions of
    Python or PostgreSQL fail.
    """
    try:
        time = datetime.fromisoformat(text)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return time if EPOCH <= time < END_OF_TIME else None


def json_time(time: datetime) -> str:
    """Return a time in the JSON API's format: UTC, with microseconds and Z."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def json_time_or_none(time: datetime | None) -> str | None:
    """Return `json_time`; None: there is no time."""
    return None if time is None else json_time(time)


def json_time_in_millis(time: datetime) -> str:
    """Return a time in Langfuse's format: UTC, cut to milliseconds, with Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_time(time: datetime, zone: tzinfo = UTC) -> str:
    """Return a time for pages: date, time and zone, cut to milliseconds."""
    local = time.astimezone(zone)
    return local.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + local.strftime(" %Z")


def short_json_time(micros: int) -> str:
    """Return microseconds since the epoch as ISO 8601 with Z; a whole second has no fraction."""
    seconds, fraction = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{fraction:06}Z" if fraction else f"{_second(seconds)}Z"


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    # Spans of a batch share few seconds, and formatting is expensive.
    return from_micros(seconds * 1_000_000).isoformat()[:19]
