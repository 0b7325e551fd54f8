"""Error pages: the one place that maps errors to the pages and messages that visitors see."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, current_app
from werkzeug.exceptions import (
    HTTPException,
    ServiceUnavailable,
    TooManyRequests,
    default_exceptions,
)

from tracer.errors import NotFound, StoreUnavailable, TracerError, Unstorable
from tracer.store.database.paging import BadCursor
from tracer.ui.base.blueprint import is_fragment
from tracer.web.problems import RETRY_OVERLOADED, RETRY_UNAVAILABLE, status_of

_FORM_REFUSED: Final = 422


def show_refusal(error: TracerError) -> Any:
    """Return an error as a page, or as text for a form that htmx sent."""
    status, message = status_of(error), _message(error)
    if status == _FORM_REFUSED and is_fragment():
        return Response(message, status, content_type="text/plain; charset=utf-8")
    return current_app.handle_http_exception(_http_error(status, message))


def _message(error: TracerError) -> str:
    if isinstance(error, BadCursor):
        return "This link is not valid. Start again from the first page."
    if isinstance(error, StoreUnavailable):
        return f"{str(error)[:1].upper()}{str(error)[1:]}. Try again in a moment."
    if isinstance(error, NotFound):
        missing = f"no {error.noun} “{error.identifier}”" if error.noun else error
        return f"This project has {missing}."
    return f"Not changed: {error}." if isinstance(error, Unstorable) else str(error)


def _http_error(status: int, message: str) -> HTTPException:
    if status == ServiceUnavailable.code:
        return ServiceUnavailable(message, retry_after=RETRY_UNAVAILABLE)
    if status == TooManyRequests.code:
        return TooManyRequests(message, retry_after=RETRY_OVERLOADED)
    return default_exceptions[status](message)
