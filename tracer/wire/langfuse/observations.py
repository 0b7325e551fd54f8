"""Observations to patches: each event tells some fields of a span, none of them the whole."""

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
from tracer.wire.request_context import Cleaner, Receipt

_PLAIN: Final = ("name", "status_message", "model", "prompt_name", "prompt_version")
_TIMES: Final = {"end_time": "end_time", "completion_start_time": "first_token_time"}


def observation_patches(
    body: ObservationBody, kind: str | None, trace_id: str, order: Order, receipt: Receipt
) -> list[SpanPatch]:
    """Return what an event says of a span; ``kind`` is its kind, None where the event has none.

    Two patches, since the first word on some fields stays and the last one on the others.
    """
    span_id = given(body.id)
    cleaner = Cleaner(receipt)
    told = _last(body, cleaner)
    if cleaner.notes:
        told |= {"flags": cleaner.flags(), "notes": cleaner.notes}
    first, assumed = _first(body, kind, order)
    if first.get("kind") == "generation" and (reasons := finish_reasons(told.get("output"))):
        told["finish_reasons"] = reasons
    # Never empty: an observation of which nothing else is said exists all the same.
    found = [(order.first(assumed=assumed), first), (order.last(), told)]
    return [
        SpanPatch(trace_id=trace_id, span_id=span_id, version=version, fields=fields, deep=True)
        for version, fields in found
        if fields
    ]


def trace_of_observation(body: ObservationBody, trace_id: str, order: Order) -> list[TraceRecord]:
    """Return what an observation says of its trace: where it ran."""
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
    """Return the fields of which the first word stays, and whether their time is assumed."""
    start = given(body.start_time)
    told: dict[str, Json] = {"start_time": micros(start, "startTime") if start else order.micros}
    if body.type is not UNSET:
        kind = TYPES[body.type]
    if kind is not None:
        told["kind"] = kind
    if kind == "event":
        told["end_time"] = told["start_time"]
    if given(body.parent_observation_id):
        told["parent_span_id"] = body.parent_observation_id
    return told, start is None


def _last(body: ObservationBody, cleaner: Cleaner) -> dict[str, Json]:
    """Return the fields of which the last word stays; null clears them."""
    told: dict[str, Json] = {}
    for name in _PLAIN:
        value = getattr(body, name)
        if value is not UNSET:
            told[name] = cleaner.value(name, value)
    for name, ours in _TIMES.items():
        value = getattr(body, name)
        if value is not UNSET:
            told[ours] = None if value is None else micros(value, name)
    if body.level is not UNSET:
        told["level"] = None if body.level is None else LEVELS[body.level]
    for name in ("input", "output"):
        # Of these alone null says nothing: clients send it with every update.
        value = getattr(body, name)
        if value is not UNSET and value is not None and value != "":
            told[name] = cleaner.value(name, value)
    if tools := offered_tools(told.get("input")):
        told["tools"] = tools
    if given(body.model_parameters):
        told["model_parameters"] = cleaner.value("model_parameters", body.model_parameters)
    if given(body.version):
        told["attributes"] = {OWN_VERSION: cleaner.value("attributes", body.version)}
    return told | _metadata(body.metadata, cleaner) | _use(body, cleaner)


def _use(body: ObservationBody, cleaner: Cleaner) -> dict[str, Json]:
    told: dict[str, Json] = {}
    details, old = given(body.usage_details), given(body.usage)
    usage = usage_of(details, old)
    if usage.buckets:
        told["usage"] = cleaner.keys("usage", usage.buckets)
        cleaner.remark("usage", usage.note)
    if cost := cost_of(given(body.cost_details), details, old):
        told |= {"cost": cleaner.keys("cost", cost), "cost_source": "given"}
    return told


def _metadata(sent: Any, cleaner: Cleaner) -> dict[str, Json]:
    metadata = as_object(sent)
    return {"metadata": cleaner.value("metadata", metadata)} if metadata else {}


def as_object(sent: Any) -> dict[str, Json]:
    """Return metadata as an object, as Langfuse wraps what is none."""
    if sent is UNSET or sent is None:
        return {}
    return sent if isinstance(sent, dict) else {"metadata": sent}
