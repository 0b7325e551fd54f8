"""The cookie with the token of a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Response, request

_NAME: Final = "tracer_session"


def cookie_name() -> str:
    """Return the cookie's name.

    Over TLS the name has a prefix, with which browsers refuse it from other hosts and plain HTTP.
    """
    if not request.is_secure:
        return _NAME
    return f"__Secure-{_NAME}" if request.script_root else f"__Host-{_NAME}"


def session_token() -> str:
    """Return the token that the browser sent; "" without one."""
    return request.cookies.get(cookie_name(), "")


def set_session(response: Response, token: str, lifetime: timedelta, *, stay: bool) -> None:
    """Set the session cookie; without `stay` the browser deletes it when it is closed."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=lifetime if stay else None,
        path=_path(),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def clear_session(response: Response) -> None:
    """Delete the session cookie."""
    response.delete_cookie(cookie_name(), path=_path(), secure=request.is_secure, httponly=True)


def _path() -> str:
    return f"{request.script_root}/"
