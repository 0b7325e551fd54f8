"""From ended spans to acknowledged requests, behind the application's back and within bounds."""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, detach, set_value
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, Span

from tracer.sdk._config import Config, logger
from tracer.sdk._delivery.buffer import Buffer, Parcel
from tracer.sdk._delivery.mask import Masks
from tracer.sdk._delivery.sender import Outcome, Sender
from tracer.sdk._sink import Sink
from tracer.sdk._spans import frozen

_BATCH_SPANS: Final = 256
_BATCH_BYTES: Final = 2_000_000
_SPAN_BYTES: Final = 1_000
"""What a span takes besides its texts, about."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


def _size(span: ReadableSpan) -> int:
    # By its texts, which are most of what it holds: to measure it would cost more than it.
    texts = (value for value in (span.attributes or {}).values() if type(value) is str)
    return _SPAN_BYTES + sum(map(len, texts))


def _last_words(spans: Sequence[ReadableSpan]) -> int:
    # Those that run are told of again: without them nothing is lost.
    return sum(span.end_time is not None for span in spans)


class Exporter(Sink):
    """Takes spans without ever waiting; a thread of its own encodes and sends them.

    OpenTelemetry's own gives a batch up after a few attempts. Here it waits, within bounds, until
    the server has it; what does not fit is dropped, counted, and told once. A batch is sent again
    just as it was: the server knows a span by its ids, so nothing is stored twice.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config
        self._masks = Masks(config)

        self.after_fork()

    def after_fork(self) -> None:
        self._queue: deque[tuple[ReadableSpan | dict[str, Any], int]] = deque()
        self._queued_bytes = 0
        self._counting = threading.Lock()
        self._started: dict[int, ReadableSpan] = {}
        self._buffer = Buffer(self._config.spool, self._config.max_spool_bytes)
        self._sender = Sender(self._config)
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._fails = 0
        self._due = self._asked = 0.0
        """When the next attempt is due, and until when the server asked to wait."""
        self._closed = False

    # In the application's threads: quick.

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        # What does not fit is only shown later: nothing is lost, so nothing is counted.
        if self._config.running and len(self._started) < self._config.max_queue_spans:
            self._started[span.context.span_id] = span
            self._awaken()

    def on_end(self, span: ReadableSpan) -> None:
        self._started.pop(span.context.span_id, None)
        self._put(span, _size(span))

    def put_score(self, score: dict[str, Any]) -> None:
        self._put(score, _SPAN_BYTES)

    def _put(self, item: ReadableSpan | dict[str, Any], size: int) -> None:
        config, waiting = self._config, self._queued_bytes + self._buffer.bytes + size
        if len(self._queue) >= config.max_queue_spans or waiting > config.max_buffer_bytes:
            self._drop(1, "the queue is full")
            return
        self._queue.append((item, self._count(size)))
        self._awaken()

    def _count(self, size: int) -> int:
        with self._counting:
            self._queued_bytes += size
        return size

    def _awaken(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="tracer-export", daemon=True)
            # When the interpreter is about to end, the flush at exit sends what is here.
            with suppress(RuntimeError):
                self._thread.start()
            util: Any = sys.modules.get("multiprocessing.util")
            if util is not None and sys.modules["multiprocessing"].parent_process() is not None:
                # Children of multiprocessing skip what atexit has.
                util.Finalize(None, self._finish, exitpriority=0)
        elif len(self._queue) > _BATCH_SPANS and not self._wake.is_set():
            self._wake.set()

    def _drop(self, count: int, reason: str) -> None:
        if not count:
            return
        kind = reason.partition(":")[0]
        if kind not in self.dropped:
            logger.warning("spans are dropped, since %s; told only once", reason)
        self.dropped[kind] = self.dropped.get(kind, 0) + count

    # In the exporting thread, or in one that flushes.

    def _run(self) -> None:
        while not self._closed:
            # As long as spans gather, or until the server may be asked again.
            self._wake.wait(max(self._config.flush_seconds, self._due - monotonic()))
            self._wake.clear()
            with self._sending:
                self._guarded(math.inf)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send all there is in that time; say whether that came about.

        A server that can't be reached is asked just once: nobody waits for it at the exit.
        """
        timeout = max(timeout_millis / 1_000, 0)
        deadline = monotonic() + timeout
        if not self._sending.acquire(timeout=timeout):
            return False
        try:
            sent = False
            # Only a wait that the server asked for is waited, where there is time.
            while not sent and self._asked <= deadline:
                sleep(max(0.0, self._asked - monotonic()))
                self._asked = self._due = 0.0
                sent = self._guarded(deadline)
                if not self._asked:
                    break
            return sent
        finally:
            self._sending.release()

    def _finish(self) -> None:
        """Send what is left at the end of a process that skips the functions of ``atexit``."""
        if not self._closed:
            self.force_flush(int(self._config.exit_seconds * 1_000))
            self.shutdown()

    def shutdown(self) -> None:
        """Put what is left on disk, and end the thread."""
        self._closed = True
        self._wake.set()
        if self._sending.acquire(timeout=0.1):
            self._encode()
            self._buffer.spill()
            self._sender.close()
            self._sending.release()
        if left := self._buffer.items() + len(self._queue):
            logger.warning("%d spans could not be sent before the end", left)

    def _guarded(self, deadline: float) -> bool:
        # Instrumented HTTP clients must not trace our own requests.
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self._encode()
            return self._send(deadline)
        except Exception:
            logger.exception("exporting failed")
            return False
        finally:
            detach(token)

    def _encode(self) -> None:
        # The application goes on noting what starts, in a dict of its own.
        started, self._started = self._started, {}
        for span in list(started.values()):
            running = frozen(span, end_time=None)
            # On this side, as its end may be in the queue by now.
            self._queue.appendleft((running, self._count(_size(running))))
        while self._queue:
            batch: list[ReadableSpan | dict[str, Any]] = []
            size = 0
            while self._queue and len(batch) < _BATCH_SPANS and size < _BATCH_BYTES:
                item, bytes_ = self._queue.popleft()
                size += bytes_
                batch.append(item)
            self._pack([item for item in batch if not isinstance(item, dict)])
            if scores := [item for item in batch if isinstance(item, dict)]:
                self._keep("scores", len(scores), json.dumps({"scores": scores}).encode())
            self._count(-size)

    def _pack(self, spans: Sequence[ReadableSpan]) -> None:
        masked = [self._masks.span(span) for span in spans] if self._masks else spans
        if body := self._encoded(masked):
            self._keep("spans", _last_words(spans), body)

    def _encoded(self, spans: Sequence[ReadableSpan]) -> bytes:
        try:
            return encode_spans(spans).SerializePartialToString()
        except Exception as error:
            if len(spans) == 1:
                reason = f"it can't be encoded ({type(error).__name__}: {error})"
                self._drop(_last_words(spans), reason)
                return b""
            # One that can't be encoded costs only itself; requests can be strung together.
            return b"".join(self._encoded([span]) for span in spans)

    def _keep(self, kind: str, items: int, body: bytes) -> None:
        # Level 1 takes a third of the time of the default, for a few more bytes.
        self._buffer.put(Parcel(kind, items, gzip.compress(body, 1)))

    def _send(self, deadline: float) -> bool:
        """Send what waits; False where something is left by ``deadline``."""
        while (parcel := self._buffer.first()) is not None:
            if monotonic() < self._due or not self._deliver(parcel, deadline):
                self._buffer.spill()
                return False
            self._buffer.done(parcel)
        return True

    def _deliver(self, parcel: Parcel, deadline: float) -> bool:
        """Send ``parcel``; False where it has to wait."""
        # A request must not outlast the flush that it is part of.
        timeout = min(self._config.timeout_seconds, deadline - monotonic())
        if timeout <= 0:
            return False
        outcome = self._sender.send(parcel, timeout)
        if outcome.later:
            self._put_off(outcome)
            return False
        if self._fails:
            self._fails = 0
            logger.warning("%s answers again", self._config.endpoint)
        # Which of them it refused is not said.
        lost = min(outcome.refused, parcel.items)
        self._drop(lost, f"{self._config.endpoint} refused: {outcome.reason}")
        return True

    def _put_off(self, outcome: Outcome) -> None:
        if not self._fails:
            said = "%s can't take spans (%s); they wait and are sent again"
            logger.warning(said, self._config.endpoint, outcome.reason)
        # Without jitter all processes of a service would come back at the same moment.
        wait = min(_FIRST_WAIT * 2**self._fails, _LONGEST_WAIT) * random.uniform(0.5, 1.0)
        self._fails = min(self._fails + 1, 10)
        self._due = monotonic() + (wait if outcome.wait is None else outcome.wait)
        self._asked = 0.0 if outcome.wait is None else self._due
