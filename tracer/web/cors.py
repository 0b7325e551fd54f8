"""CORS for browser applications that send OTLP: only for the origins that a project allows."""

from __future__ import annotations

from typing import Final

from flask import Response, g, request

from tracer.store.projects.origins import allows_origin, any_project_allows
from tracer.web.incoming.otlp_paths import is_otlp

_ALLOWED_HEADERS: Final = "Authorization, Content-Type, Content-Encoding"
_PREFLIGHT_SECONDS: Final = "600"


def preflight() -> Response:
    """Return the response to a preflight, which has no key: allowed if any project allows it."""
    response = Response(status=204, headers={"Allow": "POST, OPTIONS"})
    origin = request.headers.get("Origin", "")
    if origin and is_otlp(request.path) and any_project_allows(origin):
        response.headers.update(
            {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            }
        )
    response.vary.add("Origin")
    return response


def allow_origin(response: Response) -> Response:
    """Add CORS headers if the key can only write and its project allows the request's origin."""
    origin = request.headers.get("Origin", "")
    identity = g.get("identity")
    key = None if identity is None else identity.key
    if not origin or key is None or key.kind != "write" or not is_otlp(request.path):
        return response
    if allows_origin(key.project_id, origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.vary.add("Origin")
    return response
