"""Shared parts of the Langfuse-compatible routes: checks of paths, and errors in its format."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from tracer import exact_json
from tracer.errors import ItemError, NotFound, TracerError
from tracer.store.scores.configs import ScoreConfig
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.web.langfuse.not_served import why_not_served
from tracer.web.operations import check_path
from tracer.web.problems import STATUS, headers_of, item_errors_of, status_of

PREFIX: Final = "/api/public"
# Langfuse's SDKs retry a request on exactly this text.
NOT_FOUND: Final = "LangfuseNotFoundError"
INVALID: Final = "Invalid request data"
_NAMES: Final = {400: "InvalidRequestError", 404: NOT_FOUND}
"""Names of errors that clients compare, by status."""
NO_CONFIG: Final = "Score config not found within authorized project"

PROBLEMS: Final = (400, 401)
"""Statuses with which any of these routes may reject a request."""

WRITE_PROBLEMS: Final = (400, 401, 413, 415, 422, 429, 503)
"""Statuses with which a route that writes may reject a request."""

# Langfuse encodes money and tokens as JSON numbers.
_encoder = exact_json.encoder(decimal_format="number")


class LangfuseError(msgspec.Struct, kw_only=True):
    """Why a request was rejected: `error` is a text, or a list of the invalid fields."""

    message: str
    error: Any = None


class Message(msgspec.Struct, kw_only=True):
    """A message about a completed request."""

    message: str


def set_up(bp: Blueprint) -> None:
    """Add checks of path ids and error handlers to the blueprint."""
    bp.before_request(check_path)
    register_refusals(bp)


def register_refusals(bp: Blueprint) -> None:
    """Add handlers that answer the blueprint's errors in Langfuse's format."""
    for kind in STATUS:
        bp.register_error_handler(kind, _answer)


def reply(value: Any, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(_encoder.encode(value), status, content_type="application/json")


class Made(msgspec.Struct, kw_only=True):
    """The id of the created or changed object."""

    id: str


class Category(msgspec.Struct, kw_only=True):
    """One of the values of a categorical score."""

    label: str
    value: float


class Config(msgspec.Struct, kw_only=True, rename="camel"):
    """A score config."""

    id: str
    name: str
    created_at: Time
    updated_at: Time
    project_id: str
    data_type: str
    is_archived: bool
    min_value: float | None
    max_value: float | None
    categories: list[Category] | None
    description: str | None


def config_answer(row: ScoreConfig) -> Config:
    """Return a score config in Langfuse's format."""
    return Config(
        id=row.config_id,
        name=row.name,
        created_at=json_time_in_millis(row.created_at),
        updated_at=json_time_in_millis(row.updated_at),
        project_id=row.project_id,
        data_type=row.data_type.upper(),
        is_archived=row.archived,
        min_value=row.min_value,
        max_value=row.max_value,
        categories=[Category(label=str(c["label"]), value=c["value"]) for c in row.categories]
        or None,
        description=row.description,
    )


def refusal(
    status: int, message: str, error: Any = None, headers: dict[str, str] | None = None
) -> Response:
    """Return the response for a rejected request."""
    body = LangfuseError(message=message, error=error)
    return Response(exact_json.encode(body), status, headers, content_type="application/json")


def missing(noun: str, identifier: str) -> NotFound:
    """Return the error for a missing object (noun such as ``Trace``, id), in Langfuse's wording."""
    return NotFound(f"{noun} {identifier} not found within authorized project")


def unknown(noun: str, name: str) -> NotFound:
    """Return the error for a missing prompt, dataset, medium or queue, in Langfuse's wording."""
    return NotFound(f"{noun} not found: {name!r}")


def http_refusal(error: HTTPException) -> Response:
    """Return a framework error (no such route, wrong method …) in Langfuse's format."""
    status = error.code or 500
    if status in (404, 405):
        reason = why_not_served(request.path.removeprefix(f"{PREFIX}/").rstrip("/"))
        if reason is not None:
            return refusal(404, f"{request.path} is not served here: {reason}", NOT_FOUND)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    error_name = NOT_FOUND if status == 404 else HTTPStatus(status).phrase
    return refusal(status, error.description or HTTPStatus(status).phrase, error_name, headers)


def _answer(error: TracerError) -> Response:
    status = status_of(error)
    if item_errors := item_errors_of(error):
        # The list of fields has the reasons; a message of its own concerns the whole request.
        message = INVALID if str(error) == str(item_errors[0]) else str(error)
        return refusal(status, message, [_issue(refused) for refused in item_errors])
    error_name = _NAMES.get(status, HTTPStatus(status).phrase)
    return refusal(status, str(error), error_name, headers_of(error))


def _issue(refused: ItemError) -> dict[str, Any]:
    return {"path": refused.field.split(".") if refused.field else [], "message": refused.reason}
