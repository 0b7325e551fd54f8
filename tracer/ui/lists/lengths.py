"""How long the list of users looks back: the traces that it sums up, and bars over that time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

LENGTHS: Final = {
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "all": ("Any time", None),
}
"""Of the traces that are summed up, by the parameter ``of``."""
USUAL: Final = "7d"
_MAX_BARS: Final = 31
_DAY: Final = timedelta(days=1)


def length_of(chosen: str | None, usual: str = USUAL) -> str:
    """Return the chosen length of time, a key of `LENGTHS`; the usual one where it is none."""
    return chosen if chosen in LENGTHS else usual


def beginning(length: str) -> datetime | None:
    """Return since when traces are summed up; of several days all are whole ones in UTC."""
    ago = LENGTHS[length][1]
    if ago is None:
        return None
    since = datetime.now(UTC) - ago
    return midnight(since) if ago > _DAY else since


def midnight(time: datetime) -> datetime:
    """Return the beginning of a day in UTC."""
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def bars_since(begin: datetime) -> tuple[timedelta, int]:
    """Return the time that each bar covers, hours or whole days, and their number until now."""
    past = datetime.now(UTC) - begin
    unit = timedelta(hours=1) if past <= _DAY + timedelta(minutes=1) else _DAY
    width = -(-past // (unit * _MAX_BARS)) * unit
    return width, max(1, -(-past // width))
