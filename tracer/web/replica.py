"""Reads pages from the replica, unless this browser has just changed something."""

from __future__ import annotations

from typing import Final

from flask import Response, g, request

from tracer.store.database.replica import State
from tracer.web.services import services

_COOKIE: Final = "tracer_changed"
# After a change, a browser's requests read from the primary, so that they show the change.
_PRIMARY_SECONDS: Final = 15
_PAGES: Final = ("ui", "share")
_READING: Final = ("GET", "HEAD")


def choose_database() -> None:
    """Read the request from the replica where that is allowed and the replica is up to date.

    Must run after the checks of access, which are made in the database itself: a session that
    has ended is refused at once.
    """
    replica = services().replica
    if replica is None or request.blueprint not in _PAGES or request.method not in _READING:
        return
    if _COOKIE not in request.cookies and replica.state().usable:
        g.replica = replica.engine


def remember_change(response: Response) -> Response:
    """Set a cookie after a change: until it expires, the browser's requests read the primary."""
    changed = request.blueprint in _PAGES and request.method not in _READING
    if changed and services().replica is not None and response.status_code < 400:
        response.set_cookie(
            _COOKIE,
            "1",
            max_age=_PRIMARY_SECONDS,
            path=f"{request.script_root}/",
            httponly=True,
            secure=request.is_secure,
            samesite="Lax",
        )
    return response


def replica_state() -> State | None:
    """Return the replica's state; None: there is no replica."""
    replica = services().replica
    return None if replica is None else replica.state()


def seconds_behind() -> int:
    """Return how far this page may lie behind, in whole seconds; 0: it is up to date."""
    state = replica_state() if "replica" in g else None
    return round(state.lag or 0) if state is not None else 0
