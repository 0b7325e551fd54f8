"""Errors as application/problem+json (RFC 9457), and the HTTP status of each error class."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from tracer.errors import (
    Busy,
    Conflict,
    Forbidden,
    ItemError,
    NotFound,
    Overloaded,
    ProviderError,
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
# Basic first: browsers and most exporters support it.
CHALLENGE: Final = 'Basic realm="tracer", charset="UTF-8", Bearer realm="tracer"'
RETRY_OVERLOADED: Final = 1
RETRY_UNAVAILABLE: Final = 5
"""Seconds after which a client should retry."""

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
    Busy: 503,
    ProviderError: 502,
    StoreUnavailable: 503,
}
"""HTTP status by error class; for a subclass, its nearest base class in this table applies."""

_HEADERS: Final[dict[type[TracerError], dict[str, str]]] = {
    Unauthorized: {"WWW-Authenticate": CHALLENGE},
    Overloaded: {"Retry-After": str(RETRY_OVERLOADED)},
    Busy: {"Retry-After": str(RETRY_UNAVAILABLE)},
    StoreUnavailable: {"Retry-After": str(RETRY_UNAVAILABLE)},
}


class FieldError(msgspec.Struct, kw_only=True):
    """An invalid field of an item, and what was expected there."""

    item: str
    field: str
    expected: str


class Problem(msgspec.Struct, kw_only=True):
    """A problem document: why a request was rejected."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def field_errors(item_errors: list[ItemError]) -> list[FieldError]:
    """Return item errors as fields of a problem document."""
    return [FieldError(item=r.item, field=r.field, expected=r.reason) for r in item_errors]


def problem(
    status: int,
    detail: str,
    item_errors: list[ItemError] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return the response for a rejected request."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=field_errors(item_errors or []),
    )
    return Response(msgspec.json.encode(body), status, headers, content_type=PROBLEM_TYPE)


def status_of(error: TracerError) -> int:
    """Return the HTTP status of an error of STATUS."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def headers_of(error: TracerError) -> dict[str, str]:
    """Return the additional headers of an answer with this error."""
    return _HEADERS.get(type(error), {})


def item_errors_of(error: TracerError) -> list[ItemError]:
    """Return the items and fields that an error names; empty: none."""
    return error.item_errors if isinstance(error, Refused) else []


def register_problems(bp: Blueprint) -> None:
    """Add handlers that answer the blueprint's errors with problem documents."""
    for kind in STATUS:
        bp.register_error_handler(kind, _answer)


def _answer(error: TracerError) -> Response:
    return problem(status_of(error), str(error), item_errors_of(error), headers_of(error))


def http_problem(error: HTTPException) -> Response:
    """Return a framework error (no such route, wrong method …) as a problem document."""
    response = problem(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        # Allow, Retry-After and the like are kept; headers of the replaced body are not.
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
