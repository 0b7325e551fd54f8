"""Who asks: the project that a key opens, or on loopback the default project without one."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from flask import g, request

from tracer.errors import Unauthorized
from tracer.store.database.session import release
from tracer.store.projects.keys import authenticate
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.web.missing_keys import explain, is_missing
from tracer.web.services import services


def identify() -> None:
    """Set the project of the request; run before every route. Raises Unauthorized."""
    g.project_id = _project_of_key() or _project_without_key()


def project_id() -> str:
    """Return the project that this request may read and write."""
    return str(g.project_id)


def _project_of_key() -> str | None:
    """Return the project of the key that was sent, None where none was."""
    if "Authorization" not in request.headers:
        return None
    sent = request.authorization
    if is_missing(sent, request.headers["Authorization"]):
        raise Unauthorized(explain(sent, on_loopback=_on_loopback()))
    if sent is not None and sent.type == "basic" and sent.password:
        project = authenticate(sent.username or None, sent.password)
    elif sent is not None and sent.type == "bearer" and sent.token:
        project = authenticate(None, sent.token)
    else:
        raise Unauthorized("expected Authorization: Basic public:secret, or Bearer secret")
    # A write waits for the writer; it must not hold a connection meanwhile.
    release()
    if project is None:
        raise Unauthorized("this key is not valid, or has been revoked")
    return project.project_id


def _project_without_key() -> str:
    if not _on_loopback():
        raise Unauthorized("expected a key: Authorization: Basic public:secret, or Bearer secret")
    return DEFAULT_PROJECT


def _on_loopback() -> bool:
    # The address we listen on decides, not the peer's: behind a proxy every peer is loopback.
    return _is_loopback(services().config.host)


@lru_cache(maxsize=100)
def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
