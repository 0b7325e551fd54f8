"""When a call's first token came, and whether that is within the time of its span."""

from __future__ import annotations

from tracer.records import is_within
from tracer.wire.dialects.table import MAX_MICROS
from tracer.wire.spans.resolution import Resolution


def first_token_time(
    resolution: Resolution, start: int, end: int | None
) -> tuple[int | None, bool]:
    """Return the time of the first token (µs), and whether what was sent is outside of the span.

    A time is kept as it was sent. Of a delay that reading counts which is within the span; one of
    which none is, is forgotten, so that its attribute stays. ``end`` None: the span is running.
    """
    fields = resolution.fields
    time: int | None = fields.get("first_token_time")
    if time is not None:
        return time, not is_within(time, start, end)
    readings = [start + delay for delay in fields.get("first_token_delay") or ()]
    for reading in readings:
        if reading <= MAX_MICROS and is_within(reading, start, end):
            return reading if end is None else min(reading, max(end, start)), False
    resolution.drop("first_token_delay")
    return None, bool(readings)
