"""Numbers, money and times as all pages show them; None, an unknown value, becomes ""."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from tracer.export.figures import number
from tracer.times import shown_time
from tracer.ui.render.time_zone import visitor_zone
from tracer.wording import plural

_SECONDS_UNTIL_MINUTES = 600
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(value: timedelta | None) -> str:
    """Return e.g. ``410 ms``, ``9.80 s``, ``94.0 s``, ``129 s``, ``32 min``, ``5.2 h``."""
    if value is None:
        return ""
    # An end before the start has a flag; a negative duration would add nothing.
    seconds = max(value.total_seconds(), 0.0)
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs" if seconds else "0 ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < _SECONDS_UNTIL_MINUTES:
        return f"{_three_digits(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.1f} d"


def micros(value: int | None) -> str:
    """Return microseconds as a duration."""
    return "" if value is None else duration(timedelta(microseconds=value))


def _three_digits(value: float) -> str:
    # The limits consider rounding: 9.996 becomes 10.0, not 10.00.
    for limit, digits in ((9.995, 2), (99.95, 1)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def count(value: int | None) -> str:
    """Return e.g. ``512``, ``5,584``, ``19.7k``, ``105k``, ``1.24M``."""
    if value is None:
        return ""
    if value < 10_000:
        return f"{value:,}"
    for unit, name in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if value < unit * 999.5:
            return f"{_three_digits(value / unit)}{name}"
    return f"{value / 1e12:,.1f}T"


def whole(value: int | None) -> str:
    """Return all digits: ``5,056``."""
    return "" if value is None else f"{value:,}"


def money(value: Decimal | None) -> str:
    """Return dollars with about two significant digits: ``$0.0097``, ``$0.029``, ``$1.22``."""
    if value is None:
        return ""
    if value == 0:
        return "$0"
    if 0 < value < Decimal("0.0001"):
        return "<$0.0001"
    if abs(value) < Decimal("0.00995"):
        return f"${value:.4f}"
    return f"${value:.3f}" if abs(value) < Decimal("0.9995") else f"${value:,.2f}"


def short_number(value: float) -> str:
    """Return a number with at most three digits after the point: ``0.833``, ``1234567``."""
    rounded = round(value, 3)
    return number(rounded if rounded or not value else float(f"{value:.3g}"))


def dollars(value: Decimal | None) -> str:
    """Return a price with all digits, at least two decimals: ``$2.50``, ``$0.075``."""
    if value is None:
        return ""
    digits = f"{value.normalize():f}"
    missing = 2 - len(digits.partition(".")[2])
    return f"${value:.2f}" if value and missing > 0 else f"${digits}"


def ago(time: datetime | None, now: datetime) -> str:
    """Return the time since ``time``, ``6 s`` to ``30 d``, or for older times the date."""
    if time is None:
        return ""
    # Clocks of other machines may be fast: times in the future count as now.
    seconds = max((now - time).total_seconds(), 0.0)
    for limit, unit, name in ((_MINUTE, 1, "s"), (_HOUR, _MINUTE, "min"), (2 * _DAY, _HOUR, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
    return (
        f"{int(seconds // _DAY)} d"
        if seconds < 31 * _DAY
        else time.astimezone(visitor_zone()).strftime("%Y-%m-%d")
    )


def clock(time: datetime | None) -> str:
    """Return the time of day in the visitor's zone, ``14:02:11``."""
    return time.astimezone(visitor_zone()).strftime("%H:%M:%S") if time else ""


def day(time: datetime | None) -> str:
    """Return the date in the visitor's zone, ``2026-11-23``."""
    return time.astimezone(visitor_zone()).strftime("%Y-%m-%d") if time else ""


def zone(time: datetime | None) -> str:
    """Return the abbreviation of the visitor's zone at a time, ``UTC``, ``CET``."""
    return time.astimezone(visitor_zone()).strftime("%Z") if time else ""


def stamp(time: datetime | None) -> str:
    """Return date and time with milliseconds, ``2026-11-23 14:02:11.204 UTC``."""
    return shown_time(time, visitor_zone()) if time else ""


def meter(value: timedelta | None) -> int:
    """Return a duration as percent of a log scale from 100 ms (0) to 10 minutes (100)."""
    if value is None or value <= timedelta(0):
        return 3
    # On a linear scale one long trace would make all other meters empty.
    position = (math.log10(value.total_seconds()) + 1) / (math.log10(600) + 1)
    return max(3, min(100, round(position * 100)))


def size(number: int) -> str:
    """Return a number of bytes as e.g. ``512 B``, ``4.2 kB``, ``1.30 GB``."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{number} B" if unit == "B" else f"{_three_digits(value)} {unit}"


def text_size(text: str) -> str:
    """Return the size of a text in UTF-8."""
    return size(len(text.encode(errors="replace")))


FILTERS = {
    f.__name__: f
    for f in (
        duration,
        count,
        whole,
        plural,
        money,
        dollars,
        ago,
        clock,
        day,
        stamp,
        zone,
        meter,
        micros,
        size,
        text_size,
        number,
        short_number,
    )
}
