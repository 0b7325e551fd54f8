"""The receiver of the sampled spans and of scores."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import SpanProcessor


class Sink(SpanProcessor):
    """Receives the sampled spans, and scores; this base class discards them."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        """Number of spans and scores that were lost, by reason."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the signature is given
        return True

    def put_score(self, score: dict[str, Any]) -> None:
        """Receive a score, in the form of the JSON API."""

    def for_child(self) -> Sink:
        """Return the sink of a forked process, without the waiting items: the parent sends them."""
        return self
