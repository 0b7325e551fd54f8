"""Refusals as application/problem+json (RFC 9457), made in one place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from flask import Blueprint, Response
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from tracer.records import Refusal, WireError
from tracer.store.database.paging import BadCursor
from tracer.store.database.timeout import TooLong
from tracer.store.writing.writer import Overloaded, Unavailable

PROBLEM_TYPE: Final = "application/problem+json"
# Basic first: it is what browsers and most exporters know how to answer.
CHALLENGE: Final = 'Basic realm="tracer", charset="UTF-8", Bearer realm="tracer"'
RETRY_OVERLOADED: Final = 1
RETRY_UNAVAILABLE: Final = 5
"""Seconds after which a client should try again."""


class NotFound(LookupError):
    """The project has nothing of that id; the message says what was looked for."""


class Unauthorized(Exception):
    """The request needs a key, or the key it brought is not valid."""


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


def status_of(error: Exception) -> tuple[int, dict[str, str]]:
    """Return the HTTP status of an error that the routes raise, and the headers it asks for."""
    if isinstance(error, WireError):
        return error.status, {}
    if isinstance(error, Overloaded):
        return 429, {"Retry-After": str(RETRY_OVERLOADED)}
    if isinstance(error, Unavailable | OperationalError):
        return 503, {"Retry-After": str(RETRY_UNAVAILABLE)}
    if isinstance(error, TooLong):
        return 422, {}
    if isinstance(error, Unauthorized):
        return 401, {"WWW-Authenticate": CHALLENGE}
    return (404, {}) if isinstance(error, NotFound) else (400, {})


EXPECTED: Final = (
    WireError,
    Overloaded,
    Unavailable,
    OperationalError,
    Unauthorized,
    NotFound,
    BadCursor,
    TooLong,
)
"""What a route may raise; anything else is a fault of ours."""


def register_problems(bp: Blueprint) -> None:
    """Make every error that the blueprint's routes expect a problem document."""
    for kind in EXPECTED:
        bp.register_error_handler(kind, _answer)


def detail_of(error: Exception) -> str:
    """Return what a client may read of an error."""
    return "the database can't be reached" if isinstance(error, OperationalError) else str(error)


def _answer(error: Exception) -> Response:
    status, headers = status_of(error)
    refusals = error.refusals if isinstance(error, WireError) else []
    return problem(status, detail_of(error), refusals, headers)


def http_problem(error: HTTPException) -> Response:
    """Return a framework error (no such route, wrong method …) as a problem document."""
    response = problem(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        # Allow, Retry-After and the like are kept; the body is another one now.
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
