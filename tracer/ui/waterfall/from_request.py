"""What time a page of a trace shows, out of the trace as it is now and of the page's address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import abort, request

from tracer.analysis.activity import ActivityProfile
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.address import chosen
from tracer.ui.waterfall.axis import MOST_CUTS, Axis, Cut
from tracer.ui.waterfall.window import Zoom


def axis_of(trace: TraceRow) -> Axis:
    """Return the time axis of a trace as it is now."""
    running = trace.status == "running"
    # The latest end known is behind the truth while spans are open; of a clock that is ahead of
    # ours, ahead of it.
    end = max(datetime.now(UTC), trace.end_time) if running else trace.end_time
    return Axis(trace.start_time, max(end, trace.start_time), running)


def base_axis(trace: TraceRow, outline: ActivityProfile | None) -> Axis:
    """Return the axis that the rows of a page lie on; with idle time drawn short if it says so."""
    axis = axis_of(trace)
    if chosen("idle") != "short" or outline is None:
        return axis
    return replace(axis, cuts=tuple(Cut(*idle) for idle in outline.idle[:MOST_CUTS]))


def given_axis() -> Axis:
    """Return the axis that the rows of the asking page lie on; 400 where it can't be read."""
    try:
        return Axis.parse(request.args.get("t", ""))
    except ValueError:
        abort(400, "This link's time axis can't be read. Reload the page.")


def given_zoom() -> Zoom | None:
    """Return the range that the page is zoomed to; one that can't be read shows everything."""
    text = request.args.get("zoom", chosen("zoom"))
    try:
        return Zoom.parse(text) if text else None
    except ValueError:
        return None
