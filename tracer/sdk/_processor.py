"""What happens to every span of the provider, whoever made it, as it starts and as it ends."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from tracer.sdk._config import Config
from tracer.sdk._context import said_of
from tracer.sdk._sampling import HeadSampler


class Processor(SpanProcessor):
    """Gives spans their session, leaves out those that are not sampled, hands on the rest."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.dropped: dict[str, int] = {}
        """How many spans and scores did not arrive, by reason."""
        self.after_fork()

    def after_fork(self) -> None:
        """Start afresh in a child process: what waits here is the parent's."""
        self.sampler = HeadSampler(self._config)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        said = said_of(parent_context)
        if said:
            span.set_attributes(said)
        context = span.get_span_context()
        # W3C's flag, whoever set it: our sampler, another service, or the provider that was joined.
        if context.trace_flags & 1:
            self.began(span)
        elif self.sampler.tail is not None:
            self.sampler.tail.started(context.trace_id)

    def on_end(self, span: ReadableSpan) -> None:
        context = span.context
        if context.trace_flags & 1:
            self.put(span)
        elif self.sampler.tail is not None:
            for kept in self.sampler.tail.ended(context.trace_id, span):
                self.put(kept)

    def began(self, span: ReadableSpan) -> None:
        """Take note that a span runs."""

    def put(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""

    def put_score(self, score: dict[str, Any]) -> None:
        """Take a score, as the JSON API has it."""

    def flush(self, timeout: float) -> bool:
        """Send everything within ``timeout`` seconds."""
        return True

    def close(self, timeout: float) -> bool:
        """Send everything, and end."""
        return True
