"""The id of each request: in the answer, the audit log and the log lines."""

from __future__ import annotations

import re
import secrets
from typing import Final

from flask import Response, g, request

from tracer.web.incoming.forwarded import TRUSTED

HEADER: Final = "X-Request-Id"
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


def assign_request_id() -> None:
    """Set ``g.request_id``: that of a trusted proxy, or a new one."""
    sent = request.headers.get(HEADER, "")
    is_usable = request.environ.get(TRUSTED) and _USABLE_ID.fullmatch(sent)
    g.request_id = sent if is_usable else secrets.token_hex(8)


def send_request_id(response: Response) -> Response:
    """Set the response's header with the id."""
    response.headers.setdefault(HEADER, g.get("request_id", ""))
    return response
