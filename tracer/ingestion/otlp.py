"""POST /v1/traces and /v1/logs by OTLP/HTTP: responses have the encoding of the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response, request

from tracer.errors import ItemError, TracerError
from tracer.ingestion.writing import store
from tracer.records import Batch, SpanRecord
from tracer.store.counters import add as counters
from tracer.store.database.session import transaction
from tracer.store.writing.writer import Rejected
from tracer.web.bodies import check_content_type, read_body
from tracer.web.keys import current_project_id
from tracer.web.problems import STATUS, headers_of, status_of
from tracer.web.refusals import note_refusal
from tracer.web.services import services
from tracer.wire.otlp.log_request import LOGS, decode_logs
from tracer.wire.otlp.request import (
    CONTENT_TYPES,
    PROTOBUF,
    decode_traces,
    encode_answer,
    encode_error,
)

# google.rpc.Code by HTTP status; INVALID_ARGUMENT for all other errors.
_INVALID_ARGUMENT: Final = 3
_CODES: Final = {401: 16, 403: 7, 413: 8, 429: 8, 503: 14}
MAX_NAMED: Final = 5
"""Greatest number of refused items that a response names; it has the number of the others."""
NOT_STORED: Final = (
    "{} of {} log records were accepted and not stored:"
    " only GenAI events (gen_ai.*) with a trace id and a span id are"
)

bp = Blueprint("otlp", __name__)


def answer_errors(bp: Blueprint) -> None:
    """Add handlers that turn errors of the blueprint's routes into OTLP responses."""
    for kind in STATUS:
        bp.register_error_handler(kind, _refuse)


@bp.post("/v1/traces")
def export() -> Response:
    """Store the spans of an ExportTraceServiceRequest; the response has the refused ones."""
    return store_traces()[0]


def store_traces() -> tuple[Response, Sequence[SpanRecord]]:
    """Store the spans of the request; return the answer, and the spans as decoded."""
    content_type = check_content_type(request, CONTENT_TYPES)
    config = services().config
    body = read_body(request, config.max_body_bytes)
    decoded = decode_traces(body, content_type, max_value_bytes=config.max_value_bytes)
    rejections = store(decoded.batch)
    # A refused record of a trace is named in the message, but is not counted as a span.
    refused = len(decoded.item_errors) + sum(rejection.kind == "spans" for rejection in rejections)
    message = _message([*decoded.item_errors, *_named(decoded.batch, rejections)])
    if message:
        note_refusal(message)
    body = encode_answer(content_type, refused, message)
    return Response(body, content_type=content_type), decoded.batch.spans


@bp.post("/v1/logs")
def export_logs() -> Response:
    """Join the GenAI events of an ExportLogsServiceRequest to their spans; count other logs."""
    return store_logs()


def store_logs() -> Response:
    """Store the log records of the request in the project of its key; return the response."""
    content_type = check_content_type(request, CONTENT_TYPES)
    config = services().config
    body = read_body(request, config.max_body_bytes)
    decoded = decode_logs(body, content_type, max_value_bytes=config.max_value_bytes)
    rejections = store(decoded.batch)
    refused = len(decoded.item_errors) + sum(
        rejection.kind == "patches" for rejection in rejections
    )
    message = _message([*decoded.item_errors, *_named(decoded.batch, rejections)])
    if message:
        note_refusal(message)
    if decoded.not_stored:
        with transaction():
            counters.add(current_project_id(), counters.LOGS, decoded.not_stored)
        counted = NOT_STORED.format(decoded.not_stored, decoded.total)
        message = f"{message}; {counted}" if message else counted
    body = encode_answer(content_type, refused, message, LOGS)
    return Response(body, content_type=content_type)


def _named(batch: Batch, rejections: Sequence[Rejected]) -> list[ItemError]:
    """Return the items that the database refused, named by the client's ids."""
    item_errors = []
    for rejection in rejections:
        if rejection.kind == "spans":
            span = batch.spans[rejection.index]
            item = f"span {span.span_id} of trace {span.trace_id}"
        elif rejection.kind == "patches":
            patch = batch.patches[rejection.index]
            item = f"update of span {patch.span_id} of trace {patch.trace_id}"
        elif rejection.kind == "scores":
            item = f"score {batch.scores[rejection.index].name}"
        else:
            item = f"trace {batch.traces[rejection.index].trace_id}"
        item_errors.append(ItemError(item=item, field="", reason=rejection.reason))
    return item_errors


def _message(item_errors: Sequence[ItemError]) -> str:
    named = "; ".join(str(refusal) for refusal in item_errors[:MAX_NAMED])
    unnamed = len(item_errors) - MAX_NAMED
    return f"{named}; and {unnamed} more" if unnamed > 0 else named


def _refuse(error: TracerError) -> Response:
    status = status_of(error)
    # Where the request has neither encoding, respond in OTLP's default.
    content_type = request.mimetype if request.mimetype in CONTENT_TYPES else PROTOBUF
    body = encode_error(content_type, str(error), _CODES.get(status, _INVALID_ARGUMENT))
    return Response(body, status, headers_of(error), content_type=content_type)


answer_errors(bp)
