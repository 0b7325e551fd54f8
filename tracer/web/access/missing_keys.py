"""Detects clients without a key, which send a literal instead: ``Bearer undefined``."""

from __future__ import annotations

import logging
from typing import Final

from werkzeug.datastructures import Authorization

from tracer.web.remembered import AtMostEvery

log: Final = logging.getLogger("tracer.keys")

# What JavaScript, Python and JSON print where there is no value.
_EMPTY_VALUES: Final = frozenset(("", "undefined", "null", "none", "nan"))

WITHOUT_KEY: Final = (
    "the client was started without a key and sent “{}”. Give the client a key: `tracer keys create"
    " <name>` prints one (Traceloop takes it from TRACELOOP_API_KEY)"
)
ON_LOOPBACK: Final = (
    "; or let the client send no Authorization header, for on this machine no key is needed"
    " (Traceloop for Node: initialize({ headers: {} }))"
)


# Rejected clients retry continually: at most one log record per minute.
_log_limit: Final = AtMostEvery(60)


def is_missing_key(sent: Authorization | None, header: str) -> bool:
    """Return whether a header ``Authorization`` has no key, or a literal such as ``undefined``."""
    if sent is None:
        return header.strip().lower() in ("bearer", "basic", *_EMPTY_VALUES)
    if sent.type == "basic":
        return {str(sent.username).lower(), str(sent.password).lower()} <= _EMPTY_VALUES
    return sent.type == "bearer" and str(sent.token or "").strip().lower() in _EMPTY_VALUES


def missing_key_message(sent: Authorization | None, *, on_loopback: bool) -> str:
    """Return the text of the error; also log it."""
    credentials = f"Authorization: Bearer {sent.token}" if sent is not None and sent.token else ""
    text = WITHOUT_KEY.format(credentials or "an Authorization header without a key")
    text += ON_LOOPBACK if on_loopback else ""
    if _log_limit.is_due():
        log.warning("a request was refused: %s", text)
    return text
