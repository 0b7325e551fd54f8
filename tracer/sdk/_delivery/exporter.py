"""Exporter: a thread encodes and sends the queued spans, and retries until the server has them."""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

from tracer.sdk._config import Config, logger
from tracer.sdk._delivery.buffer import Batch
from tracer.sdk._delivery.mask import Masks
from tracer.sdk._delivery.queue import QUEUE_FULL, Item, Queue
from tracer.sdk._delivery.sender import Outcome, Sender
from tracer.sdk._sink import Sink
from tracer.sdk._spans import restore
from tracer.sdk._values import describe

_BATCH_SPANS: Final = 256
_BATCH_BYTES: Final = 2_000_000
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 0.5, 30.0


def _count_ended(spans: Sequence[ReadableSpan]) -> int:
    # Running spans are exported again when they end, so dropping one loses nothing.
    return sum(span.end_time is not None for span in spans)


class Exporter(Queue):
    """Queues spans without ever waiting; its own thread encodes and sends them.

    OpenTelemetry's exporter drops a batch after a few attempts. Here a batch waits, within
    bounds, until the server accepts it; spans beyond the bounds are dropped, counted and logged. A
    retry sends the same bytes: the server recognises a span by its ids and stores it once.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._masks = Masks(config)
        self._sender = Sender(config)
        self._sending = threading.Lock()
        """Held while batches are made and sent. Application threads wait for it in `force_flush`
        and `shutdown` alone, for a limited time."""
        self._sending_thread: int | None = None
        self._thread: threading.Thread | None = None
        # An Event has a lock that a signal handler could wait for in the thread that holds it.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._failures = 0
        self._due = self._retry_after = 0.0
        """Time of the next attempt, and the time that the server named for it."""
        self._closed = False
        self._logged: set[str] = set()

    def for_child(self) -> Sink:
        return Exporter(self._config)

    def _wake_exporter(self) -> None:
        if self._thread is None:
            if not self._closed:
                self._start_thread()
        elif len(self._queue) > _BATCH_SPANS and self._wake.empty():
            self._wake.put(None)

    def _start_thread(self) -> None:
        self._thread = thread = threading.Thread(
            target=self._run, name="tracer-export", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is about to end, or the system has no thread left: the next span
            # tries again, and so does the flush at the exit.
            self._thread = None
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None and sys.modules["multiprocessing"].parent_process() is not None:
            # Children of multiprocessing skip the functions of atexit.
            util.Finalize(None, self._finish, exitpriority=0)

    # The methods that run in the exporting thread, or in a thread that flushes.

    def _run(self) -> None:
        thread = threading.current_thread()
        try:
            # Two application threads may have started one each: only the later one continues.
            while self._thread is thread and not self._closed:
                wait = max(self._config.flush_seconds, self._due - monotonic(), 0.0)
                with suppress(Empty):
                    self._wake.get(timeout=min(wait, threading.TIMEOUT_MAX))
                with self._sending:
                    self._export(math.inf)
        finally:
            if self._thread is thread:
                self._thread = None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send everything within the time; return whether the server took it all.

        A server that can't be reached is tried once, so that it does not delay the exit.
        """
        timeout = min(max(timeout_millis / 1_000, 0.0), threading.TIMEOUT_MAX)
        deadline = monotonic() + timeout
        # A mask, a signal handler or a destructor that flushes during a flush can't wait for it.
        if self._sending_thread == threading.get_ident():
            return False
        if not self._sending.acquire(timeout=timeout):
            return False
        try:
            return self._flush(deadline)
        finally:
            self._sending.release()

    def _flush(self, deadline: float) -> bool:
        while self._retry_after <= deadline:
            sleep(max(0.0, self._retry_after - monotonic()))
            self._retry_after = self._due = 0.0
            if self._export(deadline):
                return True
            # Only where the server named a time, a second attempt within the deadline makes sense.
            if not self._retry_after:
                return False
        return False

    def shutdown(self) -> None:
        """Write what is left to disk, if there is a spool, and end the thread."""
        self._closed = True
        self._wake.put(None)
        if self._sending.acquire(timeout=0.1):
            # With this deadline nothing is sent, so the batches are written to the spool.
            self._export(monotonic())
            self._sender.close()
            self._sending.release()
        if left := self._buffer.items() + len(self._queue):
            logger.warning("%d spans could not be sent before the end", left)

    def _finish(self) -> None:
        """Send what is left at the end of a process that skips the functions of ``atexit``."""
        if not self._closed:
            self.force_flush(int(self._config.exit_seconds * 1_000))
            self.shutdown()

    def _export(self, deadline: float) -> bool:
        """Encode and send all waiting items; return False if some are left at ``deadline``."""
        self._sending_thread = threading.get_ident()
        # OpenTelemetry's private key keeps instrumented HTTP clients from tracing our requests; it
        # has no public setter in the API package.
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self._encode()
            if QUEUE_FULL in self.dropped:
                self._log_dropped(QUEUE_FULL)
            return self._send(deadline)
        except Exception:
            logger.exception("exporting failed")
            return False
        finally:
            restore(token)
            self._sending_thread = None

    def _encode(self) -> None:
        batch: list[Item] = []
        batch_bytes = 0
        for item, size in self._take():
            batch.append(item)
            batch_bytes += size
            if len(batch) >= _BATCH_SPANS or batch_bytes >= _BATCH_BYTES:
                self._pack(batch)
                batch, batch_bytes = [], 0
        self._pack(batch)

    def _pack(self, batch: Sequence[Item]) -> None:
        if spans := [item for item in batch if not isinstance(item, dict)]:
            masked = [self._masks.span(span) for span in spans] if self._masks else spans
            if body := self._encoded(masked):
                self._keep("spans", _count_ended(spans), body)
        if scores := [item for item in batch if isinstance(item, dict)]:
            body = json.dumps({"scores": scores}, default=describe).encode()
            self._keep("scores", len(scores), body)

    def _encoded(self, spans: Sequence[ReadableSpan]) -> bytes:
        try:
            return encode_spans(spans).SerializePartialToString()
        except Exception as error:
            if len(spans) == 1:
                self._count_dropped("it can't be encoded", _count_ended(spans))
                self._log_dropped("it can't be encoded", f"{type(error).__name__}: {error}")
                return b""
            # One such span must not lose the others. Serialised protobuf requests can be
            # concatenated into one.
            return b"".join(self._encoded([span]) for span in spans)

    def _keep(self, kind: str, items: int, body: bytes) -> None:
        # Level 1 takes a third of the time of the default level, for a few more bytes.
        self._buffer.put(Batch(kind, items, gzip.compress(body, 1)))

    def _log_dropped(self, reason: str, detail: str = "") -> None:
        if reason not in self._logged:
            self._logged.add(reason)
            text = f"{reason} ({detail})" if detail else reason
            logger.warning("spans are dropped, because %s; this is logged once", text)

    def _send(self, deadline: float) -> bool:
        """Send the batches; return False where one is left by ``deadline``."""
        while (batch := self._buffer.first()) is not None:
            if monotonic() < self._due or not self._deliver(batch, deadline):
                self._buffer.spill()
                return False
            self._buffer.done(batch)
        return True

    def _deliver(self, batch: Batch, deadline: float) -> bool:
        """Send a batch; return False where it has to wait."""
        # The request of a flush must not take longer than the flush may.
        timeout = min(self._config.timeout_seconds, deadline - monotonic())
        if timeout <= 0:
            return False
        outcome = self._sender.send(batch, timeout)
        if outcome.retry:
            self._postpone(outcome)
            return False
        if self._failures:
            self._failures = 0
            logger.warning("%s answers again", self._config.endpoint)
        # The answer names the number of refused items, which may include running spans.
        if refused := min(outcome.refused, batch.items):
            self._count_dropped("the server refused them", refused)
            self._log_dropped("the server refused them", outcome.reason)
        return True

    def _postpone(self, outcome: Outcome) -> None:
        if not self._failures:
            message = "%s can't take spans (%s); they wait and are sent again"
            logger.warning(message, self._config.endpoint, outcome.reason)
        # Without jitter all processes of a service would retry at the same moment.
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        wait = min(_FIRST_WAIT_SECONDS * 2**self._failures, _MAX_WAIT_SECONDS) * jitter
        self._failures = min(self._failures + 1, 10)
        self._due = monotonic() + (wait if outcome.retry_after is None else outcome.retry_after)
        self._retry_after = 0.0 if outcome.retry_after is None else self._due
