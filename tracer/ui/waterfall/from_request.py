"""The axis and the zoom of a trace page, from the trace and the request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flask import abort, request

from tracer.analysis.activity import ActivityProfile
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.address import page_parameter
from tracer.ui.waterfall.axis import MAX_CUTS, Axis, Cut
from tracer.ui.waterfall.window import Zoom


def axis_of(trace: TraceRow) -> Axis:
    """Return the time axis of a trace as of now."""
    running = trace.status == "running"
    # While spans are running, the stored end is too early, or too late if the client's clock is
    # fast; so use the later of it and now.
    end = max(datetime.now(UTC), trace.end_time) if running else trace.end_time
    return Axis(trace.start_time, max(end, trace.start_time), running)


def base_axis(trace: TraceRow, profile: ActivityProfile | None) -> Axis:
    """Return the axis of a page's rows; idle time is compressed if the page's query requests it."""
    axis = axis_of(trace)
    if page_parameter("idle") != "short" or profile is None:
        return axis
    return replace(axis, cuts=tuple(Cut(*idle) for idle in profile.idle[:MAX_CUTS]))


def requested_axis() -> Axis:
    """Return the axis of the rows on the requesting page; 400 if it is invalid."""
    try:
        return Axis.parse(request.args.get("t", ""))
    except ValueError:
        abort(400, "This link's time axis can't be read. Reload the page.")


def requested_zoom() -> Zoom | None:
    """Return the zoom of the page; None if it has none or an invalid one."""
    text = request.args.get("zoom", page_parameter("zoom"))
    try:
        return Zoom.parse(text) if text else None
    except ValueError:
        return None
