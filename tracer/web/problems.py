"""Refusals as application/problem+json (RFC 9457), and the HTTP status of each error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from tracer.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Overloaded,
    Refusal,
    Refused,
    StoreUnavailable,
    TooLarge,
    TooSlow,
    TracerError,
    Unauthorized,
    Unstorable,
    UnsupportedMedia,
)

PROBLEM_TYPE: Final = "application/problem+json"
# Basic first: it is what browsers and most exporters know how to answer.
CHALLENGE: Final = 'Basic realm="tracer", charset="UTF-8", Bearer realm="tracer"'
RETRY_OVERLOADED: Final = 1
RETRY_UNAVAILABLE: Final = 5
"""Seconds after which a client should try again."""

STATUS: Final[dict[type[TracerError], int]] = {
    Refused: 400,
    TooLarge: 413,
    UnsupportedMedia: 415,
    Unstorable: 422,
    Conflict: 409,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    TooSlow: 422,
    Overloaded: 429,
    StoreUnavailable: 503,
}
"""What a route may raise, and the status that it is answered with; the nearest class counts."""

_HEADERS: Final[dict[type[TracerError], dict[str, str]]] = {
    Unauthorized: {"WWW-Authenticate": CHALLENGE},
    Overloaded: {"Retry-After": str(RETRY_OVERLOADED)},
    StoreUnavailable: {"Retry-After": str(RETRY_UNAVAILABLE)},
}


class FieldError(msgspec.Struct, kw_only=True):
    """Which field of which item was not taken, and what was expected there."""

    item: str
    field: str
    expected: str


class Problem(msgspec.Struct, kw_only=True):
    """Why a request was refused."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def field_errors(refusals: list[Refusal]) -> list[FieldError]:
    """Return the refusals in the words of the API."""
    return [FieldError(item=r.item, field=r.field, expected=r.reason) for r in refusals]


def problem(
    status: int,
    detail: str,
    refusals: list[Refusal] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return the response of a refused request."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=field_errors(refusals or []),
    )
    response = Response(msgspec.json.encode(body), status, headers, content_type=PROBLEM_TYPE)
    return response


def status_of(error: TracerError) -> int:
    """Return the HTTP status of an error of STATUS."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def headers_of(error: TracerError) -> dict[str, str]:
    """Return the headers that an answer with this error has besides."""
    return _HEADERS.get(type(error), {})


def refusals_of(error: TracerError) -> list[Refusal]:
    """Return the items and fields that an error names."""
    return error.refusals if isinstance(error, Refused) else []


def register_problems(bp: Blueprint) -> None:
    """Answer the errors of the blueprint's routes with problem documents."""
    for kind in STATUS:
        bp.register_error_handler(kind, _answer)


def _answer(error: TracerError) -> Response:
    return problem(status_of(error), str(error), refusals_of(error), headers_of(error))


def http_problem(error: HTTPException) -> Response:
    """Return a framework error (no such route, wrong method …) as a problem document."""
    response = problem(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        # Allow, Retry-After and the like are kept; the body is another one now.
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
