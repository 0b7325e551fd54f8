"""Writes in Langfuse's format: batches of events, single objects, and OTLP below its path."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from tracer.errors import Invalid, Unstorable
from tracer.ingestion import otlp
from tracer.ingestion.writing import json_body, request_context, store
from tracer.records import SpanRecord
from tracer.store.database.session import transaction
from tracer.store.library import dataset_runs
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.scores import configs
from tracer.store.scores.configs import ScoreConfig
from tracer.store.traces import span_search
from tracer.times import json_time
from tracer.web.bodies import check_content_type, read_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import INVALID, PREFIX, WRITE_PROBLEMS, Made, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.web.refusals import note_refusal
from tracer.web.services import services
from tracer.wire.langfuse.bodies import (
    GenerationChange,
    IngestionRequest,
    ObservationBody,
    SpanChange,
    TraceBody,
)
from tracer.wire.langfuse.ingestion import DecodedIngestion, Stored, decode_event, decode_ingestion
from tracer.wire.langfuse.library.experiments import answered, experiment_object
from tracer.wire.otlp.request import CONTENT_TYPES
from tracer.wire.reading import read_json

NEWEST_VERSION: Final = 4
"""The newest ingestion version that Langfuse's clients name in a header."""
VERSION_HEADER: Final = "x-langfuse-ingestion-version"

bp = Blueprint("langfuse_writes", __name__, url_prefix=PREFIX)
set_up(bp)
otel = Blueprint("langfuse_otel", __name__, url_prefix=f"{PREFIX}/otel")
otlp.answer_errors(otel)


class EventDone(msgspec.Struct, kw_only=True):
    """An event that was accepted."""

    id: str
    status: int


class EventRefused(msgspec.Struct, kw_only=True):
    """An event that was rejected, and why."""

    id: str
    status: int
    message: str
    error: str


class IngestionResults(msgspec.Struct, kw_only=True):
    """The result of each event."""

    successes: list[EventDone]
    errors: list[EventRefused]


def _single_operation(summary: str, body: type[msgspec.Struct]) -> Operation:
    return Operation(summary=summary, body=body, answers={200: Made}, problems=WRITE_PROBLEMS)


@bp.post("/ingestion")
@describe(
    Operation(
        summary="Send a batch of events",
        body=IngestionRequest,
        answers={207: IngestionResults},
        problems=WRITE_PROBLEMS,
    )
)
def ingest() -> Response:
    """Store a batch of events; always 207, with a result for each."""
    decoded = decode_ingestion(json_body(), request_context(), stored_lookups())
    return reply(_results(decoded, _store_decoded(decoded)), 207)


@bp.post("/traces")
@describe(_single_operation("Create a trace, or add fields to one", TraceBody))
def create_trace() -> Response:
    """Store a trace, or further fields of one."""
    return _store_single("trace-create", "id")


@bp.post("/spans")
@describe(_single_operation("Create a span", ObservationBody))
def create_span() -> Response:
    """Store a span."""
    return _store_single("span-create", "id")


@bp.patch("/spans")
@describe(_single_operation("Update a span", SpanChange))
def update_span() -> Response:
    """Store changes of a span."""
    return _store_single("span-update", "spanId")


@bp.post("/generations")
@describe(_single_operation("Create a generation", ObservationBody))
def create_generation() -> Response:
    """Store a generation."""
    return _store_single("generation-create", "id")


@bp.patch("/generations")
@describe(_single_operation("Update a generation", GenerationChange))
def update_generation() -> Response:
    """Store changes of a generation."""
    return _store_single("generation-update", "generationId")


@bp.post("/events")
@describe(_single_operation("Create an event", ObservationBody))
def create_event() -> Response:
    """Store an event."""
    return _store_single("event-create", "id")


@otel.post("/v1/traces")
def export_traces() -> Response:
    """Store the spans of an ExportTraceServiceRequest."""
    _check_version()
    answer, spans = otlp.store_traces()
    _record_experiments(spans)
    return answer


@otel.post("/v1/logs")
def export_logs() -> Response:
    """Join the GenAI events of an ExportLogsServiceRequest to their spans; count other logs."""
    return otlp.store_logs()


@otel.post("/v1/metrics")
def export_metrics() -> Response:
    """Accept metrics without storing them, so that exporters of traces and metrics keep working."""
    content_type = check_content_type(request, CONTENT_TYPES)
    read_body(request, services().config.max_body_bytes)
    # Without a partial success, the answer is an empty protobuf message.
    return Response(b"{}" if content_type == "application/json" else b"", content_type=content_type)


def _record_experiments(spans: Sequence[SpanRecord]) -> None:
    """Record which spans are results of experiments; repeated calls change nothing."""
    runs: dict[str, DatasetRun] = {}
    for span, experiment in answered(spans):
        # A transaction for each: requests with the same runs in another order can't deadlock.
        with transaction():
            if experiment.id not in runs:
                metadata = experiment_object(span.attributes, "metadata")
                runs[experiment.id] = dataset_runs.get_or_create_run(
                    current_project_id(),
                    experiment.id,
                    experiment.dataset_id,
                    experiment.name,
                    experiment.description,
                    metadata,
                )
            run_id = runs[experiment.id].run_id
            dataset_runs.add_run_item(
                current_project_id(), run_id, experiment.item_id, span.trace_id, span.span_id
            )


def _check_version() -> None:
    sent = request.headers.get(VERSION_HEADER) or request.headers.get(VERSION_HEADER.title(), "")
    if sent and not (sent.isascii() and sent.isdigit() and int(sent) <= NEWEST_VERSION):
        raise Invalid(
            f"Unsupported {VERSION_HEADER} {sent!r}: expected a number up to {NEWEST_VERSION}"
        )


def _store_single(kind: str, id_field: str) -> Response:
    """Store the body as one event of this kind; answer with the object's id."""
    body = read_json(json_body())
    if isinstance(body, dict):
        body = {
            **body,
            "id": body.get(id_field) or (str(uuid.uuid4()) if id_field == "id" else None),
        }
    event = {
        "id": str(uuid.uuid4()),
        "timestamp": json_time(datetime.now(UTC)),
        "type": kind,
        "body": body,
    }
    decoded = decode_event(event, request_context(), stored_lookups())
    unstorable = _store_decoded(decoded)
    refused = decoded.outcomes[0].refusal
    if refused is not None:
        refused.field = refused.field.removeprefix("body.")
        raise Invalid(str(refused), [refused])
    if unstorable:
        raise Unstorable(unstorable[0])
    return reply(Made(id=body["id"]))


def stored_lookups() -> Stored:
    """Return the look-ups in the request's project that decoding events needs."""
    project = current_project_id()

    def config_of(config_id: str) -> ScoreConfig | None:
        return configs.get_configs(project, [config_id]).get(config_id)

    return Stored(
        trace_of=lambda span_id: span_search.trace_of(project, span_id), config_of=config_of
    )


def _store_decoded(decoded: DecodedIngestion) -> dict[int, str]:
    """Commit the decoded events; return the database's errors by position of the event."""
    return {
        decoded.places[rejected.kind, rejected.index]: rejected.reason
        for rejected in store(decoded.batch)
    }


def _results(decoded: DecodedIngestion, unstorable: dict[int, str]) -> IngestionResults:
    successes: list[EventDone] = []
    errors: list[EventRefused] = []
    for position, outcome in enumerate(decoded.outcomes):
        if outcome.refusal is not None:
            errors.append(_failure(outcome.event_id, 400, INVALID, _refusal_text(outcome.refusal)))
        elif position in unstorable:
            errors.append(_failure(outcome.event_id, 422, "Can't be stored", unstorable[position]))
        elif not outcome.silent:
            successes.append(EventDone(id=outcome.event_id, status=201))
    if errors:
        note_refusal(f"event {errors[0].id}: {errors[0].error}")
    return IngestionResults(successes=successes, errors=errors)


def _refusal_text(refusal: Any) -> str:
    return f"{refusal.field}: {refusal.reason}" if refusal.field else str(refusal.reason)


def _failure(event_id: str, status: int, message: str, error: str) -> EventRefused:
    return EventRefused(id=event_id, status=status, message=message, error=error)
