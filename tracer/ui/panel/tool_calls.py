"""Links the tool calls in a model call's messages to the spans of the tools."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from tracer.store.traces.nearby import NearbySpan, read_nearby
from tracer.store.traces.span_detail import SpanDetail
from tracer.ui.panel.trace import Panel
from tracer.ui.render.format import duration
from tracer.ui.render.messages import CalledSpan, Piece, Turn

_TOOLS = ("tool", "function")


def link_tool_calls(panel: Panel, span: SpanDetail, project_id: str) -> None:
    """Set the spans of the calls in the panel; those that are not found stay without one.

    The calls of the answer ran below the model call, or beside it before the next one; those of
    the input ran before it. Calls and spans are matched by name, in order.
    """
    if span.kind != "generation" or span.placeholder:
        return
    calls = {section.id: _calls(section.body.turns) for section in panel.sections}
    requested, repeated = calls.get("output", []), calls.get("input", [])
    if not requested and not repeated:
        return
    nearby = read_nearby(
        project_id, span.trace_id, span.span_id, span.parent_span_id, span.start_time
    )
    until_next = takewhile(lambda row: row.kind != "generation", nearby.after)
    _match(requested, [*nearby.below, *until_next])
    _match(reversed(repeated), nearby.before)


def _calls(turns: Iterable[Turn]) -> list[Piece]:
    pieces = [piece for turn in turns for piece in turn.pieces]
    return [piece for piece in pieces if piece.kind == "call"]


def _match(calls: Iterable[Piece], rows: Iterable[NearbySpan]) -> None:
    waiting = [row for row in rows if row.kind in _TOOLS and not row.placeholder]
    for call in calls:
        row = next((row for row in waiting if _is_named(row.name, call.name)), None)
        if row is not None:
            waiting.remove(row)
            took = duration(row.end_time - row.start_time) if row.end_time else "running"
            call.span = CalledSpan(row.span_id, took, row.status == "error")


def _is_named(span_name: str, tool: str) -> bool:
    # Instrumentations put a word before the tool's name, as in ``execute_tool search``.
    return tool != "" and (span_name == tool or span_name.endswith((f" {tool}", f".{tool}")))
