"""Detects clients without a key, which send a literal instead: ``Bearer undefined``."""

from __future__ import annotations

import logging
import time
from typing import Final

from werkzeug.datastructures import Authorization

log: Final = logging.getLogger("tracer.keys")

# What JavaScript, Python and JSON print where there is no value.
_EMPTY_VALUES: Final = frozenset(("", "undefined", "null", "none", "nan"))
# Rejected clients retry continually: log at most one record per minute.
_SECONDS: Final = 60.0

WITHOUT_KEY: Final = (
    "the client was started without a key and sent “{}”. Give the client a key: `tracer keys create"
    " <name>` prints one (Traceloop takes it from TRACELOOP_API_KEY)"
)
ON_LOOPBACK: Final = (
    "; or let the client send no Authorization header, for on this machine no key is needed"
    " (Traceloop for Node: initialize({ headers: {} }))"
)


class _LogLimit:
    """The time of this process's last record of such a client."""

    def __init__(self) -> None:
        self._last = -_SECONDS

    def passed(self) -> bool:
        """Return whether a minute has passed since the last record, and if so restart it."""
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return False
        self._last = now
        return True


_log_limit: Final = _LogLimit()


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
    if _log_limit.passed():
        log.warning("a request was refused: %s", text)
    return text
