"""From ended spans to acknowledged requests, behind the application's back and within bounds."""

from __future__ import annotations

import gzip
import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value
from opentelemetry.sdk.trace import ReadableSpan

from tracer.sdk._config import Config, logger
from tracer.sdk._mask import Masks
from tracer.sdk._processor import Processor
from tracer.sdk._sending import JSON, PROTOBUF, Outcome, Parcel, Sender, library
from tracer.sdk._spans import frozen
from tracer.sdk._spool import Spool

_BATCH_SPANS: Final = 256
_BATCH_BYTES: Final = 2_000_000
_SPAN_BYTES: Final = 1_000
"""What a span takes besides its texts, about."""
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


class Exporter(Processor):
    """Takes spans without ever waiting; a thread of its own encodes and sends them.

    Spans wait in a queue until they are encoded, batches in a buffer until the server has them;
    both are bounded, and what does not fit is dropped, counted, and told once. A batch is sent
    again just as it was: the server knows a span by its ids, so nothing is stored twice.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._masks = Masks(config)
        self._spool = Spool(config.spool, config.max_spool_bytes) if config.spool else None
        self.dropped: dict[str, int] = {}
        """How many spans and scores did not arrive, by reason."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Set up what belongs to this process alone: after a fork the rest is the parent's."""
        self._queue: deque[tuple[ReadableSpan, int]] = deque()
        self._queued_bytes = 0
        self._scores: deque[dict[str, Any]] = deque()
        self._buffer: deque[Parcel] = deque()
        self._buffered_bytes = 0
        self._started: dict[int, ReadableSpan] = {}
        self._sender = Sender(self._config)
        self._sending = threading.Lock()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._fails = 0
        self._not_before = 0.0
        """When the next attempt is due, by the monotonic clock."""
        self._asked = 0.0
        """Until when the server asked to wait."""
        self._closed = False

    def after_fork(self) -> None:
        """Start afresh in a child: what waits here is the parent's to send."""
        self._begin_anew()
        self.renew()

    # In the application's threads: quick, and without a lock.

    def announce(self, span: ReadableSpan, span_id: int) -> None:
        # What is not announced is only shown later: nothing is lost, so nothing is counted.
        if len(self._started) < self._config.max_queue_spans:
            self._started[span_id] = span
            if not self._busy:
                self._awaken()

    def withdraw(self, span_id: int) -> None:
        self._started.pop(span_id, None)

    def put(self, span: ReadableSpan) -> None:
        # By its texts, which are most of what it holds: to measure it would cost more than it.
        size = _SPAN_BYTES
        for value in (span.attributes or {}).values():
            if type(value) is str:
                size += len(value)
        waiting = len(self._queue)
        if (
            waiting >= self._config.max_queue_spans
            or self._queued_bytes + size > self._config.max_buffer_bytes
        ):
            self._drop(1, "the queue is full")
            return
        self._queue.append((span, size))
        self._queued_bytes += size
        if not self._busy:
            self._awaken()
        elif waiting >= _BATCH_SPANS and not self._hurry.is_set():
            self._hurry.set()

    def put_score(self, score: dict[str, Any]) -> None:
        if len(self._scores) >= self._config.max_queue_spans:
            self._drop(1, "the queue is full")
            return
        self._scores.append(score)
        if not self._busy:
            self._awaken()

    def _awaken(self) -> None:
        self._busy = True
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="tracer-export", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                # The interpreter is about to end; the flush at exit sends what is here.
                self._thread = None
            _flush_with_multiprocessing(self)
        self._work.set()

    # In the exporting thread.

    def _run(self) -> None:
        # Instrumented HTTP clients must not trace our own requests.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        while True:
            self._hurry.wait(self._pause())
            self._hurry.clear()
            try:
                with self._sending:
                    if self._closed:
                        return
                    self._pump(time.monotonic() + 3600)
            except Exception:
                logger.exception("exporting failed")
            self._rest()

    def _pause(self) -> float:
        """Return how long to gather: as long as set, or until the server may be asked again."""
        left = self._not_before - time.monotonic()
        return (
            max(left, self._config.flush_seconds) if self._waits() else self._config.flush_seconds
        )

    def _waits(self) -> bool:
        return bool(self._buffer) or (self._spool is not None and bool(self._spool.waiting()))

    def _rest(self) -> None:
        """Sleep until there is something to do."""
        if self._waits():
            return
        self._work.clear()
        self._busy = False
        # What came before the flag was down did not wake anybody.
        if not (self._queue or self._scores or self._started):
            self._work.wait()
        self._busy = True

    def _pump(self, deadline: float) -> bool:
        """Encode what waits and send it; False where something is left by ``deadline``."""
        self._encode()
        if time.monotonic() < self._not_before:
            return False
        return self._send(deadline) and self._send_spooled(deadline)

    def _pump_all(self, deadline: float) -> bool:
        """Do so now; only a wait that the server asked for is waited, where there is time."""
        while True:
            asked = self._asked - time.monotonic()
            if asked > 0:
                if time.monotonic() + asked > deadline:
                    return False
                time.sleep(asked)
            self._not_before = 0.0
            if self._pump(deadline) and not self._waits():
                return True
            if self._asked <= time.monotonic():
                return False

    def _encode(self) -> None:
        # The application goes on noting what starts, in a dict of its own.
        started, self._started = self._started, {}
        running = [frozen(span, end_time=None) for span in started.values()]
        for at in range(0, len(running), _BATCH_SPANS):
            self._keep(self._pack(running[at : at + _BATCH_SPANS]))
        while self._queue:
            batch: list[ReadableSpan] = []
            total = 0
            while self._queue and len(batch) < _BATCH_SPANS and total < _BATCH_BYTES:
                span, size = self._queue.popleft()
                self._queued_bytes -= size
                total += size
                batch.append(span)
            self._keep(self._pack(batch))
        scores = [self._scores.popleft() for _ in range(min(len(self._scores), 1_000))]
        if scores:
            # Level 1 takes a third of the time of the default, for a few more bytes.
            body = gzip.compress(json.dumps({"scores": scores}).encode(), 1)
            self._keep(Parcel("/api/v1/batch", JSON, body, len(scores)))

    def _pack(self, spans: Sequence[ReadableSpan]) -> Parcel:
        encode_spans = library(
            "opentelemetry.exporter.otlp.proto.common.trace_encoder"
        ).encode_spans
        masked = [self._masks.span(span) for span in spans] if self._masks else spans
        try:
            body = encode_spans(masked).SerializePartialToString()
            count = len(masked)
        except Exception as error:
            bodies = []
            # One span that can't be encoded costs only itself; requests can be strung together.
            for span in masked:
                try:
                    bodies.append(encode_spans([span]).SerializePartialToString())
                except Exception:
                    self._drop(1, f"it can't be encoded ({type(error).__name__}: {error})")
            body, count = b"".join(bodies), len(bodies)
        return Parcel("/v1/traces", PROTOBUF, gzip.compress(body, 1), count)

    def _keep(self, parcel: Parcel) -> None:
        if not parcel.items:
            return
        if self._buffered_bytes + len(parcel.body) > self._config.max_buffer_bytes:
            self._drop(parcel.items, "the buffer is full")
            return
        self._buffer.append(parcel)
        self._buffered_bytes += len(parcel.body)

    def _take(self) -> Parcel:
        parcel = self._buffer.popleft()
        self._buffered_bytes -= len(parcel.body)
        return parcel

    def _send(self, deadline: float) -> bool:
        while self._buffer:
            if not self._deliver(self._buffer[0], deadline):
                # In order, so that a server that comes back gets the oldest first.
                self._save()
                return False
            self._take()
        return True

    def _send_spooled(self, deadline: float) -> bool:
        if self._spool is None or not self._spool.waiting():
            return True
        with self._spool.alone() as alone:
            # Another process is at it.
            for path in self._spool.waiting() if alone else ():
                parcel = self._spool.read(path)
                if parcel is not None and not self._deliver(parcel, deadline):
                    return False
                self._spool.done(path)
        return True

    def _deliver(self, parcel: Parcel, deadline: float) -> bool:
        """Send ``parcel``; False where it has to wait."""
        # A request must not outlast the flush that it is part of.
        timeout = min(self._config.timeout_seconds, deadline - time.monotonic())
        if timeout <= 0:
            return False
        outcome = self._sender.send(parcel, timeout)
        if outcome.verdict == "later":
            self._put_off(parcel, outcome)
            return False
        if self._fails:
            logger.info("%s answers again", self._config.endpoint)
        self._fails, self._not_before = 0, 0.0
        if outcome.refused:
            self._drop(outcome.refused, f"{self._config.endpoint} refused: {outcome.reason}")
        return True

    def _put_off(self, parcel: Parcel, outcome: Outcome) -> None:
        if not self._fails:
            logger.warning(
                "%s can't take spans (%s); they wait and are sent again",
                self._config.endpoint,
                outcome.reason,
            )
        # Without jitter all processes of a service would come back at the same moment.
        wait = min(_FIRST_WAIT * 2**self._fails, _LONGEST_WAIT) * random.uniform(0.5, 1.0)
        self._fails = min(self._fails + 1, 10)
        if outcome.wait is not None:
            wait = outcome.wait
            self._asked = time.monotonic() + wait
        self._not_before = time.monotonic() + wait
        if self._buffer and self._buffer[0] is parcel:
            self._buffer[0] = parcel._replace(tries=parcel.tries + 1)

    def _save(self) -> None:
        """Move what waits to disk, if there is a place for it."""
        while self._spool is not None and self._buffer and self._spool.put(self._buffer[0]):
            self._take()

    def _drop(self, count: int, reason: str) -> None:
        kind = reason.partition(":")[0]
        if kind not in self.dropped:
            logger.warning("spans are dropped, since %s; told only once", reason)
        self.dropped[kind] = self.dropped.get(kind, 0) + count

    # At the end, in whatever thread.

    def flush(self, timeout: float) -> bool:
        """Send all there is within ``timeout`` seconds; say whether that came about.

        A server that can't be reached is asked just once: nobody waits for it at the exit.
        """
        deadline = time.monotonic() + timeout
        if not self._sending.acquire(timeout=max(timeout, 0)):
            return False
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            return self._pump_all(deadline)
        except Exception:
            logger.exception("exporting failed")
            return False
        finally:
            token.var.reset(token)
            self._sending.release()

    def close(self, timeout: float) -> bool:
        """Flush, put what is left on disk, and end the thread."""
        if self._closed:
            return True
        sent = self.flush(timeout)
        # The thread looks at this before and after each of its two waits.
        self._closed = True
        self._work.set()
        self._hurry.set()
        if self._sending.acquire(timeout=0.1):
            self._encode()
            self._save()
            self._sender.close()
            self._sending.release()
        left = sum(parcel.items for parcel in self._buffer) + len(self._queue)
        if left:
            logger.warning("%d spans could not be sent before the end", left)
        return sent


def _flush_with_multiprocessing(exporter: Exporter) -> None:
    """Flush at the end of a child of multiprocessing, which skips what atexit has."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing"].parent_process() is not None:
        util.Finalize(None, exporter.flush, [exporter._config.exit_seconds], exitpriority=0)
