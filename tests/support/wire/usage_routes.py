"""The same usage object on every way in: as the record or update that it becomes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from tests.support.wire.otlp import only_record, span
from tracer.merging.spans import priced
from tracer.pricing.price_book import PriceBook
from tracer.records import SpanRecord
from tracer.wire.langfuse.ingestion import Stored, decode_ingestion
from tracer.wire.native.records import span_record
from tracer.wire.native.requests import SpanCreate
from tracer.wire.reading import read_item
from tracer.wire.request_context import RequestContext

RECEIPT = RequestContext(time=1_767_225_600_000_000, max_value_bytes=1 << 20)
START = "2026-01-01T00:00:00Z"


def flattened(usage: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield attributes of the innermost values below ``prefix``; a list is JSON text."""
    for name, value in usage.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", json.dumps(value) if isinstance(value, list) else value


def camel_case(value: Any) -> Any:
    """Return an object with its names in camelCase."""
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_(\w)", lambda match: match[1].upper(), name): camel_case(item)
        for name, item in value.items()
    }


def _attributes(prefix: str, **others: Any) -> Callable[[dict[str, Any], str], SpanRecord]:
    def send(usage: dict[str, Any], model: str) -> SpanRecord:
        values = {"gen_ai.request.model": model, **others, **dict(flattened(usage, prefix))}
        return only_record(span(values))

    return send


def _json_text(attribute: str, **others: Any) -> Callable[[dict[str, Any], str], SpanRecord]:
    def send(usage: dict[str, Any], model: str) -> SpanRecord:
        values = {"gen_ai.request.model": model, attribute: json.dumps(usage), **others}
        return only_record(span(values))

    return send


def _native(usage: dict[str, Any], model: str) -> SpanRecord:
    sent = {"model": model, "usage": usage, "start_time": START, "end_time": START}
    return span_record(read_item(sent, SpanCreate), "t", RECEIPT)


def _langfuse_batch(usage: dict[str, Any], model: str) -> SpanRecord:
    body = {"id": "g", "traceId": "t", "model": model, "startTime": START, "usageDetails": usage}
    event = {"id": "e", "timestamp": START, "type": "generation-create", "body": body}
    stored = Stored(trace_of=lambda _: None, config_of=lambda _: None)
    decoded = decode_ingestion(json.dumps({"batch": [event]}).encode(), RECEIPT, stored)
    fields: dict[str, Any] = {}
    for patch in decoded.batch.patches:
        fields |= patch.fields
    names = ("usage", "cost", "cost_source", "model", "flags", "notes")
    used = {name: fields[name] for name in names if name in fields}
    return SpanRecord(trace_id="t", span_id="g", start_time=fields["start_time"], **used)


ROUTES: dict[str, Callable[[dict[str, Any], str], SpanRecord]] = {
    "gen_ai": _attributes("gen_ai.usage."),
    "OpenInference": _attributes("llm.token_count.", **{"openinference.span.kind": "LLM"}),
    "OpenLLMetry": _attributes("llm.usage.", **{"llm.request.type": "chat"}),
    "Vercel": _attributes("ai.usage.", **{"operation.name": "ai.generateText.doGenerate"}),
    "Langfuse OTLP": _json_text("langfuse.observation.usage_details"),
    "Langfuse batch": _langfuse_batch,
    "native API": _native,
    "SDK": _json_text("tracer.usage", **{"tracer.kind": "generation"}),
}


def used(record: SpanRecord) -> dict[str, int]:
    """Return the usage types that are not empty."""
    return {usage_type: number for usage_type, number in record.usage.items() if number}


def cost_of(record: SpanRecord) -> tuple[Decimal, str | None]:
    """Return the dollars of a record, priced by the list unless a cost was sent, and the source."""
    with_cost = priced(record, PriceBook())
    return sum(with_cost.cost.values(), Decimal(0)), with_cost.cost_source
