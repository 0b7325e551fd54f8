"""Times: microseconds since the epoch, and the ISO text that PostgreSQL and JSON read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Return microseconds since the epoch, exactly (a float would lose the last digits)."""
    return (time - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the UTC time of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def iso(micros: int) -> str:
    """Return a time as PostgreSQL and JSON read it."""
    return f"{_second(micros // 1_000_000)}.{micros % 1_000_000:06}+00:00"


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    # The spans of a batch share few seconds, and formatting a time is dear.
    return from_micros(seconds * 1_000_000).isoformat()[:19]
