"""What Tracer made of an application's spans, whether read through its API or just decoded."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tracer.merging.spans import merge
from tracer.pricing.list_prices import price
from tracer.records import Batch, SpanPatch, SpanRecord, cost_total

Json = Any
PATIENCE_SECONDS = 10.0


class Span(msgspec.Struct, kw_only=True):
    """The fields of a span that cases say something about."""

    id: str
    parent_id: str | None
    start: str
    kind: str
    name: str
    level: str
    status_message: str | None
    model: str | None
    requested_model: str | None
    provider: str | None
    model_parameters: dict[str, Json]
    usage: dict[str, int]
    cost: Decimal | None
    first_token: bool
    tools: list[Json]
    finish_reasons: list[str]
    input: Json
    output: Json


class Trace(msgspec.Struct, kw_only=True):
    """One scene: its spans by time, and what is known of the whole."""

    spans: list[Span]
    session: str | None = None
    user: str | None = None
    total_tokens: int | None = None
    """None as well where only records were made: sums are the store's."""
    total_cost: Decimal | None = None
    stored: bool = False

    def tree(self) -> str:
        """Return a line for each span, indented below its parent: its kind and its name."""
        return "\n".join(self._lines(self.roots(), 0))

    def roots(self) -> list[Span]:
        """Return the spans whose parent isn't in the trace."""
        ids = {span.id for span in self.spans}
        return [span for span in self.spans if span.parent_id not in ids]

    def _lines(self, level: list[Span], depth: int) -> Iterator[str]:
        for span in level:
            yield f"{'  ' * depth}{span.kind} {span.name}"
            below = [child for child in self.spans if child.parent_id == span.id]
            yield from self._lines(below, depth + 1)


def of_records(batch: Batch, logs: Sequence[SpanPatch] = ()) -> list[Trace]:
    """Return the traces of decoded records and log events, in the order in which they began."""
    records = [_with_logs(record, logs) for record in batch.spans]
    records.sort(key=lambda record: (record.start_time, record.span_id))
    traces: dict[str, Trace] = {}
    for record in records:
        traces.setdefault(record.trace_id, Trace(spans=[])).spans.append(_of_record(record))
    for record in batch.traces:
        trace = traces[record.trace_id]
        trace.session = record.fields.get("session_id") or trace.session
        trace.user = record.fields.get("user_id") or trace.user
    return list(traces.values())


def _with_logs(record: SpanRecord, logs: Sequence[SpanPatch]) -> SpanRecord:
    merged = merge(None, [record], [log for log in logs if log.span_id == record.span_id])
    assert merged is not None
    return merged.record


def _of_record(record: SpanRecord) -> Span:
    cost = record.cost
    if not cost and record.usage:
        cost = price(record.model, record.provider, record.usage, record.start_time) or {}
    return Span(
        id=record.span_id,
        parent_id=record.parent_span_id,
        start=str(record.start_time),
        kind=record.kind,
        name=record.name,
        level=record.level,
        status_message=record.status_message,
        model=record.model,
        requested_model=record.requested_model,
        provider=record.provider,
        model_parameters=record.model_parameters,
        usage=record.usage,
        cost=cost_total(cost),
        first_token=record.first_token_time is not None,
        tools=record.tools,
        finish_reasons=record.finish_reasons,
        input=record.input,
        output=record.output,
    )


def of_api(url: str, trace_ids: list[str]) -> list[Trace]:
    """Return the traces as the JSON API of the server at ``url`` tells them."""
    return [_of_trace(f"{url}/api/v1/traces/{trace_id}") for trace_id in trace_ids]


def _of_trace(url: str) -> Trace:
    whole = _get(url)
    spans = list(_below(url, None))
    spans.sort(key=lambda span: (span.start, span.id))
    return Trace(
        spans=spans,
        session=whole["session_id"],
        user=whole["user_id"],
        total_tokens=whole["total_tokens"],
        total_cost=_dollars(whole["total_cost"]),
        stored=True,
    )


def _below(url: str, parent: str | None) -> Iterator[Span]:
    page = _get(f"{url}/spans" + (f"?parent={parent}" if parent else ""))
    for row in page["data"]:
        yield _of_api(_get(f"{url}/spans/{row['id']}"))
        yield from _below(url, row["id"])


def _of_api(document: dict[str, Json]) -> Span:
    return Span(
        id=document["id"],
        parent_id=document["parent_id"],
        start=document["start_time"],
        kind=document["kind"],
        name=document["name"],
        level=document["level"],
        status_message=document["status_message"],
        model=document["model"],
        requested_model=document["requested_model"],
        provider=document["provider"],
        model_parameters=document["model_parameters"],
        usage=document["usage"],
        cost=_dollars(document["total_cost"]),
        first_token=document["completion_start_time"] is not None,
        tools=document.get("tools", []),
        finish_reasons=document.get("finish_reasons", []),
        input=document["input"],
        output=document["output"],
    )


def _dollars(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def _get(url: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
