"""The settings of ``init``: its arguments, else TRACER_* variables, else defaults."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass
from time import monotonic
from typing import Any, Final

_MAX_RECORDS_PER_MINUTE: Final = 60


class Log(logging.LoggerAdapter[logging.Logger]):
    """Writes to the logger ``tracer.sdk``; never raises, and never floods or loops.

    A handler of the application may record spans, and errors of these would be logged in turn. So
    nothing is logged inside a handler, and the number of records per minute is limited.
    """

    _handling: Final = ContextVar("tracer-sdk-log", default=False)

    def __init__(self) -> None:
        super().__init__(logging.getLogger("tracer.sdk"), {})
        self._minute = 0
        self._left = 0

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a record, unless it is logged inside a handler, or exceeds the limit."""
        if not self.isEnabledFor(level) or self._handling.get() or not self._is_within_limit():
            return
        token = self._handling.set(True)
        try:
            # The application's handlers may fail in any way.
            with suppress(Exception):
                super().log(level, msg, *args, stacklevel=2, **kwargs)
        finally:
            self._handling.reset(token)

    def _is_within_limit(self) -> bool:
        minute = int(monotonic() // 60)
        if minute != self._minute:
            self._minute, self._left = minute, _MAX_RECORDS_PER_MINUTE
        self._left -= 1
        return self._left >= 0


logger: Final = Log()

MaskFunction = Callable[[str, Any], Any]
"""Gets ``input``, ``output``, ``metadata`` or an attribute's name, and the value; returns the value
to send instead."""
Mask = str | re.Pattern[str] | MaskFunction
"""A pattern whose matches are replaced, or a function."""


@dataclass(frozen=True)
class Tail:
    """Rules that keep a complete trace which head sampling left out; one match is enough."""

    errors: bool = True
    """Keep traces with a failed span."""
    slower_than: float | None = None
    """Keep traces with a span that took more than this many seconds."""
    costs_more_than: float | None = None
    """Keep traces whose costs, as the application set them, add up to more than this in dollars."""
    keep: Callable[[Sequence[Any]], bool] | None = None
    """Keep traces for whose spans (OpenTelemetry's ReadableSpan) this function returns true."""


@dataclass(frozen=True)
class Config:
    """Every setting of ``init``; a variable in brackets is read where the argument is missing."""

    endpoint: str | None = "http://127.0.0.1:4318"
    """URL of Tracer, or of any OTLP/HTTP endpoint (TRACER_ENDPOINT)."""
    key: str | None = None
    """Secret API key (TRACER_KEY); a server on loopback needs none."""
    _: KW_ONLY
    headers: Mapping[str, str] | None = None
    """Further headers of every request, for other endpoints."""
    project: str | None = "default"
    """Project in links (TRACER_PROJECT); the key decides which project receives the data."""
    service: str | None = None
    """Name of this service; default: OTEL_SERVICE_NAME."""
    environment: str | None = None
    """production, staging … (TRACER_ENVIRONMENT)."""
    release: str | None = None
    """Version of the application (TRACER_RELEASE)."""
    enabled: bool = True
    """False: record nothing at all (TRACER_ENABLED)."""
    capture_content: bool = True
    """False: send no inputs and outputs, of other libraries neither (TRACER_CAPTURE_CONTENT)."""
    running: bool = True
    """Send running spans, too (TRACER_RUNNING)."""
    sample: float | Mapping[str, float] = 1.0
    """Share of traces to keep, 0 to 1, or shares by the name of the root span:
    ``{"health*": 0, "*": 0.1}`` (TRACER_SAMPLE)."""
    tail: Tail | None = None
    """Rules that keep further traces once they are complete."""
    mask: Mask | Sequence[Mask] | None = None
    """Patterns and functions that every input, output, metadata and other text passes through."""
    max_value_bytes: int = 1_000_000
    """Longest input, output or metadata; a longer value is cut, with a marker."""
    max_queue_spans: int = 20_000
    """Spans that may wait to be encoded; further ones are dropped and counted."""
    max_buffer_bytes: int = 32_000_000
    """Bytes that may wait, encoded or not; further spans are dropped and counted."""
    spool: str | os.PathLike[str] | None = None
    """Directory for batches that could not be sent (TRACER_SPOOL)."""
    max_spool_bytes: int = 256_000_000
    """Largest size of that directory."""
    flush_seconds: float = 0.5
    """Time between two batches."""
    timeout_seconds: float = 10.0
    """Longest time for one request."""
    exit_seconds: float = 5.0
    """Longest time for the last batches when the program ends."""

    def __post_init__(self) -> None:
        shares = self.sample.values() if isinstance(self.sample, Mapping) else (self.sample,)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"sample={self.sample!r}: expected shares between 0 and 1")

    def url(self, path: str) -> str:
        """Return the URL of ``path`` at the endpoint."""
        # The endpoint of a collector is often given with its path.
        base = (self.endpoint or "").removesuffix("/v1/traces")
        return f"{base.rstrip('/')}{path}"


_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_VARIABLES: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("endpoint", "key", "project", "environment", "release", "spool"), str),
    **dict.fromkeys(("enabled", "capture_content", "running"), lambda text: _SWITCH[text.lower()]),
    "sample": float,
}


def read_config(arguments: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Config:
    """Return the settings: the arguments that are not None, then variables, then defaults.

    Raises ValueError for an invalid argument. An invalid variable is logged and ignored, so that a
    mistake in a deployment can't stop the application.
    """
    settings = {name: value for name, value in arguments.items() if value is not None}
    for name, parse in _VARIABLES.items():
        variable = f"TRACER_{name.upper()}"
        text = environ.get(variable, "").strip()
        if text and name not in settings:
            try:
                # A Config of this setting alone checks it; the others stay unaffected.
                settings[name] = getattr(Config(**{name: parse(text)}), name)
            except (KeyError, ValueError):
                logger.warning("%s=%r is invalid and ignored", variable, text)
    return Config(**settings)
