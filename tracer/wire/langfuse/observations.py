"""Converts observations to patches: each event has some fields of a span."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from tracer.messages.finish_reasons import finish_reasons
from tracer.records import OWN_VERSION, RANK_SPAN, Json, SpanPatch, TraceRecord
from tracer.wire.dialects.langfuse import offered_tools
from tracer.wire.langfuse.bodies import ObservationBody, given
from tracer.wire.langfuse.order import Order
from tracer.wire.langfuse.usage import cost_of, usage_of
from tracer.wire.langfuse.words import LEVELS, TYPES, environment
from tracer.wire.native.requests import micros
from tracer.wire.request_context import Cleaner, RequestContext

_PLAIN: Final = ("name", "status_message", "model", "prompt_name", "prompt_version")
_TIMES: Final = {"end_time": "end_time", "completion_start_time": "first_token_time"}


def observation_patches(
    body: ObservationBody, kind: str | None, trace_id: str, order: Order, context: RequestContext
) -> list[SpanPatch]:
    """Return the patches of an event for a span; ``kind`` None: the event has no kind.

    There are two patches, because for some fields the first value applies, for others the last.
    """
    span_id = given(body.id)
    cleaner = Cleaner(context)
    last = _last(body, cleaner)
    if cleaner.notes:
        last |= {"flags": cleaner.flags(), "notes": cleaner.notes}
    first, assumed = _first(body, kind, order)
    if first.get("kind") == "generation" and (reasons := finish_reasons(last.get("output"))):
        last["finish_reasons"] = reasons
    # Never empty: an observation without other fields exists too.
    versions = [(order.first(assumed=assumed), first), (order.last(), last)]
    return [
        SpanPatch(trace_id=trace_id, span_id=span_id, version=version, fields=fields, deep=True)
        for version, fields in versions
        if fields
    ]


def trace_of_observation(body: ObservationBody, trace_id: str, order: Order) -> list[TraceRecord]:
    """Return the record of an observation's trace: its environment."""
    sent = given(body.environment)
    if not sent:
        return []
    return [
        TraceRecord(
            trace_id=trace_id,
            rank=RANK_SPAN,
            version=order.first(),
            first=order.micros,
            fields={"environment": environment(sent)},
        )
    ]


def _first(body: ObservationBody, kind: str | None, order: Order) -> tuple[dict[str, Json], bool]:
    """Return the fields whose first value applies, and whether their start time is assumed."""
    start = given(body.start_time)
    fields: dict[str, Json] = {"start_time": micros(start, "startTime") if start else order.micros}
    if body.type is not UNSET:
        kind = TYPES[body.type]
    if kind is not None:
        fields["kind"] = kind
    if kind == "event":
        fields["end_time"] = fields["start_time"]
    if given(body.parent_observation_id):
        fields["parent_span_id"] = body.parent_observation_id
    return fields, start is None


def _last(body: ObservationBody, cleaner: Cleaner) -> dict[str, Json]:
    """Return the fields whose last value applies; null clears them."""
    fields: dict[str, Json] = {}
    for name in _PLAIN:
        value = getattr(body, name)
        if value is not UNSET:
            fields[name] = cleaner.value(name, value)
    for name, ours in _TIMES.items():
        value = getattr(body, name)
        if value is not UNSET:
            fields[ours] = None if value is None else micros(value, name)
    if body.level is not UNSET:
        fields["level"] = None if body.level is None else LEVELS[body.level]
    for name in ("input", "output"):
        # Null does not clear these: clients send it with every update.
        value = getattr(body, name)
        if value is not UNSET and value is not None and value != "":
            fields[name] = cleaner.value(name, value)
    if tools := offered_tools(fields.get("input")):
        fields["tools"] = tools
    if given(body.model_parameters):
        fields["model_parameters"] = cleaner.value("model_parameters", body.model_parameters)
    if given(body.version):
        fields["attributes"] = {OWN_VERSION: cleaner.value("attributes", body.version)}
    return fields | _metadata(body.metadata, cleaner) | _use(body, cleaner)


def _use(body: ObservationBody, cleaner: Cleaner) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    details, old = given(body.usage_details), given(body.usage)
    usage = usage_of(details, old)
    if usage.by_type:
        fields["usage"] = cleaner.keys("usage", usage.by_type)
    cleaner.note("usage", usage.note)
    if cost := cost_of(given(body.cost_details), details, old):
        fields |= {"cost": cleaner.keys("cost", cost), "cost_source": "given"}
    return fields


def _metadata(sent: Any, cleaner: Cleaner) -> dict[str, Json]:
    metadata = as_object(sent)
    return {"metadata": cleaner.value("metadata", metadata)} if metadata else {}


def as_object(sent: Any) -> dict[str, Json]:
    """Return metadata as an object; other values are wrapped like Langfuse's."""
    if sent is UNSET or sent is None:
        return {}
    return sent if isinstance(sent, dict) else {"metadata": sent}
