"""The answer about two traces side by side."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.analysis.compare.payloads import Text, Value, compare_texts, compare_values
from tracer.analysis.compare.reasons import Reason
from tracer.analysis.compare.rows import ADDED, CHANGED, REMOVED, SAME, Row
from tracer.records import Json
from tracer.store.traces.span_detail import SpanDetail
from tracer.web.answers.traces import TraceSummary


class SpanComparison(msgspec.Struct, kw_only=True):
    """The payloads of two spans: parameters by name, texts by words."""

    then_id: str | None
    now_id: str | None
    values: list[Value]
    input: list[Text]
    output: list[Text]
    message: Annotated[list[Text], Meta(description="the error message")]


class TraceComparison(msgspec.Struct, kw_only=True):
    """Two traces as one tree; differences are the later minus the earlier."""

    then: TraceSummary
    now: TraceSummary
    duration: Annotated[int, Meta(description="difference in µs")]
    counts: Annotated[dict[str, int], Meta(description="rows by state")]
    reasons: Annotated[list[Reason], Meta(description="why the runs differ, up to six")]
    rows: list[Row]
    cut: Annotated[bool, Meta(description="spans beyond 5,000 are left out")]
    payloads: Annotated[bool, Meta(description="inputs and outputs of all spans were compared")]
    span: Annotated[SpanComparison | None, Meta(description="of the requested span")]


def counts_of(rows: list[Row]) -> dict[str, int]:
    """Return the number of rows by state."""
    counts = Counter(row.state for row in rows)
    return {state: counts[state] for state in (SAME, CHANGED, ADDED, REMOVED)}


def span_comparison(then: SpanDetail | None, now: SpanDetail | None) -> SpanComparison:
    """Return what differs between two spans, one of which may be missing."""
    return SpanComparison(
        then_id=then.span_id if then else None,
        now_id=now.span_id if now else None,
        values=compare_values(_values(then), _values(now)),
        input=compare_texts(*(side.input if side else None for side in (then, now))),
        output=compare_texts(*(side.output if side else None for side in (then, now)), output=True),
        message=compare_texts(*(side.status_message if side else None for side in (then, now))),
    )


def _values(span: SpanDetail | None) -> dict[str, Json]:
    if span is None:
        return {}
    version = f"@{span.prompt_version}" if span.prompt_version is not None else ""
    fields: dict[str, Json] = {
        "model": span.model,
        "provider": span.provider,
        "prompt": f"{span.prompt_name}{version}" if span.prompt_name else None,
        "finish": ", ".join(map(str, span.finish_reasons)) or None,
        "tools": ", ".join(map(_tool_name, span.tools)) or None,
    }
    values = fields | span.model_parameters
    values |= {f"metadata.{name}": value for name, value in span.metadata.items()}
    return {name: value for name, value in values.items() if value is not None}


def _tool_name(tool: Json) -> str:
    if not isinstance(tool, dict):
        return str(tool)[:100]
    function = tool.get("function")
    definition = function if isinstance(function, dict) else tool
    return str(definition.get("name", "unnamed"))
