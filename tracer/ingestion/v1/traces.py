"""Writes of traces, spans and scores; each responds with what a read would return."""

from __future__ import annotations

import secrets

import msgspec
from flask import Blueprint, Response

from tracer.errors import Unstorable
from tracer.ingestion.v1.batch import BatchResults, store_batch
from tracer.ingestion.writing import json_body, request_context, store
from tracer.records import Batch
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces import traces
from tracer.store.traces.span_detail import get_span
from tracer.times import from_micros
from tracer.web.answers import traces as answers
from tracer.web.answers.traces import Score, Span, Trace
from tracer.web.keys import current_project_id
from tracer.web.operations import WRITE_PROBLEMS, Operation, answer, describe, set_up
from tracer.wire.native.batch import decode_batch
from tracer.wire.native.records import score_record, span_patch, span_record, trace_record
from tracer.wire.native.requests import (
    BatchRequest,
    ScoreCreate,
    SpanCreate,
    SpanUpdate,
    TraceCreate,
    TraceUpdate,
)
from tracer.wire.reading import read_item, read_json

bp = Blueprint("native", __name__, url_prefix="/api/v1")
set_up(bp)


def _create_operation(
    summary: str, body: type[msgspec.Struct], made: type[msgspec.Struct], status: int = 201
) -> Operation:
    return Operation(summary=summary, body=body, answers={status: made}, problems=WRITE_PROBLEMS)


def _update_operation(
    summary: str, body: type[msgspec.Struct], made: type[msgspec.Struct]
) -> Operation:
    return _create_operation(summary, body, made, status=200)


@bp.post("/traces")
@describe(_create_operation("Create a trace, or add fields to one", TraceCreate, Trace))
def create_trace() -> Response:
    """Store fields of a trace, and answer with the trace."""
    sent = read_item(read_json(json_body()), TraceCreate)
    trace_id = sent.id or secrets.token_hex(16)
    _store_one(Batch(traces=[trace_record(sent, trace_id, request_context())]))
    return _trace(trace_id, 201)


@bp.patch("/traces/<id:trace_id>")
@describe(_update_operation("Update a trace, which may arrive later", TraceUpdate, Trace))
def update_trace(trace_id: str) -> Response:
    """Store changes of a trace, and answer with the changed trace."""
    sent = read_item(read_json(json_body()), TraceUpdate)
    _store_one(Batch(traces=[trace_record(sent, trace_id, request_context())]))
    return _trace(trace_id, 200)


@bp.post("/traces/<id:trace_id>/spans")
@describe(_create_operation("Create a span", SpanCreate, Span))
def create_span(trace_id: str) -> Response:
    """Store a span of any kind."""
    return _create_span(trace_id, None)


@bp.patch("/traces/<id:trace_id>/spans/<id:span_id>")
@describe(_update_operation("Update a span, which may arrive later", SpanUpdate, Span))
def update_span(trace_id: str, span_id: str) -> Response:
    """Store changes of a span of any kind."""
    return _update_span(trace_id, span_id, None)


@bp.post("/traces/<id:trace_id>/generations")
@describe(_create_operation("Create a span of kind generation", SpanCreate, Span))
def create_generation(trace_id: str) -> Response:
    """Store a generation (a model call)."""
    return _create_span(trace_id, "generation")


@bp.patch("/traces/<id:trace_id>/generations/<id:span_id>")
@describe(_update_operation("Update a span, which is a generation", SpanUpdate, Span))
def update_generation(trace_id: str, span_id: str) -> Response:
    """Store changes of a generation."""
    return _update_span(trace_id, span_id, "generation")


@bp.post("/traces/<id:trace_id>/events")
@describe(
    _create_operation("Create a span of kind event, which ends as it starts", SpanCreate, Span)
)
def create_event(trace_id: str) -> Response:
    """Store an event, a span without duration."""
    return _create_span(trace_id, "event")


@bp.patch("/traces/<id:trace_id>/events/<id:span_id>")
@describe(_update_operation("Update a span, which is an event", SpanUpdate, Span))
def update_event(trace_id: str, span_id: str) -> Response:
    """Store changes of an event."""
    return _update_span(trace_id, span_id, "event")


@bp.post("/scores")
@describe(_create_operation("Score a trace, a span or a session", ScoreCreate, Score))
def create_score() -> Response:
    """Store a score; an existing score of the same id is replaced."""
    record = score_record(read_item(read_json(json_body()), ScoreCreate), request_context())
    _store_one(Batch(scores=[record]))
    # Scores are stored unchanged, so the record itself is the answer.
    row = ScoreRow(**msgspec.structs.asdict(record) | {"time": from_micros(record.time)})
    return answer(answers.score(row), 201)


@bp.post("/batch")
@describe(
    _create_operation(
        "Create up to 10,000 traces, spans and scores", BatchRequest, BatchResults, status=200
    )
)
def create_batch() -> Response:
    """Store the valid items of a batch, and return the errors of the others."""
    return answer(store_batch(decode_batch(json_body(), request_context())))


def _create_span(trace_id: str, kind: str | None) -> Response:
    sent = read_item(read_json(json_body()), SpanCreate)
    record = span_record(sent, trace_id, request_context(), kind)
    _store_one(Batch(spans=[record]))
    return _span(trace_id, record.span_id, 201)


def _update_span(trace_id: str, span_id: str, kind: str | None) -> Response:
    sent = read_item(read_json(json_body()), SpanUpdate)
    _store_one(Batch(patches=[span_patch(sent, trace_id, span_id, request_context(), kind)]))
    return _span(trace_id, span_id, 200)


def _store_one(batch: Batch) -> None:
    """Commit one record; raises Unstorable where the database can't hold it."""
    if rejected := store(batch):
        reason = rejected[0].reason
        raise Unstorable.of_field("", reason)


def _trace(trace_id: str, status: int) -> Response:
    stored = traces.get_trace(current_project_id(), trace_id)
    assert stored is not None, "what was committed is read back"
    return answer(answers.trace(stored), status)


def _span(trace_id: str, span_id: str, status: int) -> Response:
    stored = get_span(current_project_id(), trace_id, span_id)
    assert stored is not None, "what was committed is read back"
    return answer(answers.span(stored, current_project_id()), status)
