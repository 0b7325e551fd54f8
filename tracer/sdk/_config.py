"""What an application may set: arguments of ``init``, else TRACER_* variables, else defaults."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

logger: Final = logging.getLogger("tracer.sdk")

MaskFunction = Callable[[str, Any], Any]
"""Gets ``input``, ``output``, ``metadata`` or an attribute's name, and the value; returns what may
be sent of it."""
Mask = str | re.Pattern[str] | MaskFunction
"""A pattern whose matches are replaced, or a function."""


@dataclass(frozen=True)
class Tail:
    """Which traces that the head's ratio left out are kept all the same, once they are complete."""

    errors: bool = True
    """Those with a span that failed."""
    slower_than: float | None = None
    """Those that took more seconds."""
    costs_more_than: float | None = None
    """Those whose given costs add up to more dollars."""
    keep: Callable[[Sequence[Any]], bool] | None = None
    """Those of whose spans (OpenTelemetry's ReadableSpan) this is true."""


@dataclass(frozen=True)
class Config:
    """Every setting of ``init``; those marked with a variable are read from it when not given."""

    endpoint: str | None = "http://127.0.0.1:4318"
    """Where Tracer, or any OTLP/HTTP endpoint, is (TRACER_ENDPOINT)."""
    key: str | None = None
    """Secret API key (TRACER_KEY); none is needed on loopback."""
    _: KW_ONLY
    headers: Mapping[str, str] | None = None
    """Further headers of every request, for other endpoints."""
    project: str | None = "default"
    """Project that links name (TRACER_PROJECT); where data goes is the key's matter."""
    service: str | None = None
    """Name of this service; OTEL_SERVICE_NAME where it is not given."""
    environment: str | None = None
    """production, staging … (TRACER_ENVIRONMENT)."""
    release: str | None = None
    """Version of the application (TRACER_RELEASE)."""
    enabled: bool = True
    """False: nothing is recorded at all (TRACER_ENABLED)."""
    capture_content: bool = True
    """False: no inputs and outputs, from whatever source (TRACER_CAPTURE_CONTENT)."""
    running: bool = True
    """Send what is still running, too (TRACER_RUNNING)."""
    sample: float | Mapping[str, float] = 1.0
    """Share of traces to keep, 0 to 1, or shares by the root's name: ``{"health*": 0, "*": 0.1}``
    (TRACER_SAMPLE)."""
    tail: Tail | None = None
    """Which of the others are kept nevertheless."""
    mask: Mask | Sequence[Mask] | None = None
    """Patterns and functions that inputs, outputs, metadata and all other texts pass through."""
    max_value_bytes: int = 1_000_000
    """Longest input, output or metadata; longer ones are cut with a marker."""
    max_queue_spans: int = 20_000
    """Spans that may wait to be encoded; what comes on top is dropped and counted."""
    max_buffer_bytes: int = 32_000_000
    """Bytes that may wait, encoded or not; what comes on top is dropped."""
    spool: str | os.PathLike[str] | None = None
    """Directory where batches wait on disk while the server is away (TRACER_SPOOL)."""
    max_spool_bytes: int = 256_000_000
    """Size of that directory."""
    flush_seconds: float = 0.5
    """How long spans gather before they are sent."""
    timeout_seconds: float = 10.0
    """Longest time for one request."""
    exit_seconds: float = 5.0
    """Longest time to send the rest when the program ends."""

    def __post_init__(self) -> None:
        shares = self.sample.values() if isinstance(self.sample, Mapping) else (self.sample,)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"sample={self.sample!r}: expected shares between 0 and 1")

    def url(self, path: str) -> str:
        """Return the address of ``path`` below the endpoint."""
        # Collectors are often given by the whole address.
        base = (self.endpoint or "").removesuffix("/v1/traces")
        return f"{base.rstrip('/')}{path}"


_WORDS: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_VARIABLES: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("endpoint", "key", "project", "environment", "release", "spool"), str),
    **dict.fromkeys(("enabled", "capture_content", "running"), lambda text: _WORDS[text.lower()]),
    "sample": float,
}


def read_config(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Config:
    """Return the settings that were ``given`` (None: not), with the variables behind them.

    Raises ValueError for an argument that can't be meant; a variable that can't be used is only
    told of, since whoever deploys must not break what runs.
    """
    settings = {name: value for name, value in given.items() if value is not None}
    for name, parse in _VARIABLES.items():
        variable = f"TRACER_{name.upper()}"
        text = environ.get(variable, "").strip()
        if text and name not in settings:
            try:
                # Alone, as here: one that can't be meant must not stop the others.
                settings[name] = getattr(Config(**{name: parse(text)}), name)
            except (KeyError, ValueError):
                logger.warning("%s=%r can't be used and is passed over", variable, text)
    return Config(**settings)
