"""Stores why the last request to an API was refused; the start page shows it."""

from __future__ import annotations

import logging
from typing import Final

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from tracer.errors import StoreUnavailable, TracerError
from tracer.store.database.session import UNREACHABLE, transaction
from tracer.store.projects.refused_requests import UNKNOWN_PROJECT, save_refused_request
from tracer.web.remembered import AtMostEvery

log: Final = logging.getLogger("tracer.refusals")

_PAGES: Final = frozenset({"ui", "share"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OVERLOADED: Final = 429
_UNAUTHORIZED: Final = 401
_MAX_REASON_CHARACTERS: Final = 1_000
_MAX_REQUEST_CHARACTERS: Final = 200


# Clients retry refused requests continually: each process stores at most one per second.
_limit: Final = AtMostEvery(1)


def note_refusal(reason: str) -> None:
    """Remember why this request, or a part of it, is refused; a later reason replaces it."""
    g.refusal = reason


def note_error(error: Exception) -> None:
    """Remember the reason of an error that is answered with a refusal."""
    if isinstance(error, TracerError):
        note_refusal(str(error))
    elif isinstance(error, HTTPException):
        note_refusal(error.description or error.name)


def store_refusal(response: Response) -> Response:
    """Store the refusal of this request, if it has one; run after each request."""
    reason = g.get("refusal")
    if reason and _concerns_sender(response.status_code) and _limit.is_due():
        project_id = g.get("project_id", UNKNOWN_PROJECT)
        sent = _storable(f"{request.method} {request.path}", _MAX_REQUEST_CHARACTERS)
        try:
            with transaction():
                save_refused_request(
                    project_id,
                    sent,
                    response.status_code,
                    _storable(reason, _MAX_REASON_CHARACTERS),
                )
        except (StoreUnavailable, *UNREACHABLE) as error:
            log.warning("a refused request was not stored: %s", error)
    return response


def _concerns_sender(status: int) -> bool:
    """Return whether the sender of data has to change something."""
    if request.blueprint in _PAGES or status >= 500 or status == _OVERLOADED:
        return False
    return request.method not in _READS or status == _UNAUTHORIZED


def _storable(text: str, maximum: int) -> str:
    """Return ``text`` without characters that PostgreSQL can't store, cut to ``maximum``."""
    return text[:maximum].replace("\0", "\ufffd").encode(errors="replace").decode()
