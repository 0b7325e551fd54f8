"""The receiver of everything that is kept: spans and scores."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import SpanProcessor


class Sink(SpanProcessor):
    """Receives the spans and scores that are kept; this one discards them."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        """Number of spans and scores that were lost, by reason."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the signature is given
        return True

    def put_score(self, score: dict[str, Any]) -> None:
        """Receive a score, in the form of the JSON API."""

    def for_child(self) -> Sink:
        """Return the sink of a forked process: what waits in this one belongs to the parent."""
        return self
