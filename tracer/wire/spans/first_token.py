"""The time of a call's first token, and whether it is within the span."""

from __future__ import annotations

from tracer.records import CLOCK_TOLERANCE
from tracer.wire.dialects.parsers import MAX_MICROS
from tracer.wire.spans.resolution import Resolution


def first_token_time(
    resolution: Resolution, start: int, end: int | None
) -> tuple[int | None, bool]:
    """Return the time of the first token (µs), and whether the sent value is outside the span.

    A time is kept as sent. A delay has several readings: the first one within the span is used; if
    none is, the field is dropped and the attribute stays. ``end`` None: the span is running.
    """
    fields = resolution.fields
    last = MAX_MICROS if end is None else max(end, start)
    latest = last if end is None else last + CLOCK_TOLERANCE
    time: int | None = fields.get("first_token_time")
    if time is not None:
        return time, not start - CLOCK_TOLERANCE <= time <= latest
    delays: list[int] = fields.get("first_token_delay") or []
    for delay in delays:
        time = start + delay
        if time <= latest:
            return min(time, last), False
    resolution.remove_field("first_token_delay")
    return None, bool(delays)
