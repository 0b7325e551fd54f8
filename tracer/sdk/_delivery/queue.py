"""Queue: a sink that keeps spans and scores until they are encoded, filled without locks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span

from tracer.sdk._config import Config
from tracer.sdk._delivery.buffer import Buffer
from tracer.sdk._sink import Sink
from tracer.sdk._spans import snapshot

Item = ReadableSpan | dict[str, Any]
"""A span, or a score."""

QUEUE_FULL: Final = "the queue is full"
_SPAN_BYTES: Final = 1_000
"""Size of a span without its texts, estimated."""


def _size(span: ReadableSpan) -> int:
    # Texts are most of a span, and to measure the rest would take longer than to queue the span.
    values = list((span.attributes or {}).values())
    return _SPAN_BYTES + sum([len(value) for value in values if type(value) is str])


class Queue(Sink):
    """Keeps spans and scores until they are taken, as far as they fit the limits.

    Application threads fill it, and one thread at a time takes from it. The methods for application
    threads take no lock: they may run in a signal handler or a destructor, between any two steps of
    the same methods in the same thread.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config
        self._buffer = Buffer(config.spool, config.max_spool_bytes)
        """The encoded batches, which count towards the same limit."""
        self._queue: deque[tuple[Item, int]] = deque()
        self._queued_bytes = 0
        """Size of the queue. CPython switches threads and runs signal handlers and destructors only
        at calls and jumps, so ``+=`` of a number is safe without a lock as long as its right side
        is a plain variable."""
        self._started: dict[int, ReadableSpan] = {}
        """The spans that started since `_take` was called and are running."""

    def _wake_exporter(self) -> None:
        """Called whenever a span starts or an item is queued."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the signature is given
        # A span that does not fit is exported at its end: nothing is lost, so nothing is counted.
        if self._config.running and len(self._started) < self._config.max_queue_spans:
            self._started[span.context.span_id] = span
            self._wake_exporter()

    def on_end(self, span: ReadableSpan) -> None:
        self._started.pop(span.context.span_id, None)
        self._put(span, _size(span))

    def put_score(self, score: dict[str, Any]) -> None:
        self._put(score, _SPAN_BYTES)

    def _put(self, item: Item, size: int) -> None:
        config, waiting = self._config, self._queued_bytes + self._buffer.bytes + size
        if len(self._queue) >= config.max_queue_spans or waiting > config.max_buffer_bytes:
            # Not logged here: a log handler may be slow, or record spans itself.
            self._count_dropped(QUEUE_FULL, 1)
            return
        self._queue.append((item, size))
        self._queued_bytes += size
        self._wake_exporter()

    def _count_dropped(self, reason: str, count: int) -> None:
        self.dropped.setdefault(reason, 0)
        self.dropped[reason] += count

    def _take(self) -> Iterator[tuple[Item, int]]:
        """Remove and yield the items that wait now, with their sizes; later items stay."""
        count = len(self._queue)
        # Running spans come first: the ends of some may be in the queue by now.
        started, self._started = self._started, {}
        for span in list(started.values()):
            running = snapshot(span, end_time=None)
            yield running, _size(running)
        for _ in range(count):
            item, size = self._queue.popleft()
            self._queued_bytes -= size
            yield item, size
