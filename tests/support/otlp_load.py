"""OTLP requests of known content, and threads that send them until they are stopped."""

from __future__ import annotations

import http.client
import itertools
import os
import threading
import time
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SPANS_PER_REQUEST = 40
SPANS_PER_TRACE = 20


def request_body(spans: int = SPANS_PER_REQUEST) -> tuple[bytes, set[str]]:
    """Return a request of fresh spans in whole traces, and their ids."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    ids: set[str] = set()
    for _ in range(spans // SPANS_PER_TRACE):
        trace_id, parent = os.urandom(16), b""
        for number in range(SPANS_PER_TRACE):
            span = scope.spans.add(
                trace_id=trace_id,
                span_id=os.urandom(8),
                parent_span_id=parent,
                name=f"step {number}",
                start_time_unix_nano=now + number,
                end_time_unix_nano=now + number + 1_000_000,
            )
            value = AnyValue(string_value="the question " * 30)
            span.attributes.append(KeyValue(key="input.value", value=value))
            parent = parent or span.span_id
            ids.add(span.span_id.hex())
    return message.SerializeToString(), ids


class Load:
    """Clients that post as fast as responses arrive, and remember the acknowledged spans."""

    def __init__(self, url: str, clients: int = 4) -> None:
        self.acknowledged: set[str] = set()
        self._address = urlsplit(url).netloc
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def start(self) -> Load:
        """Begin to send."""
        for thread in self._threads:
            thread.start()
        return self

    def wait_for(self, spans: int, seconds: float = 30) -> None:
        """Return once this many spans are acknowledged in total."""
        for _ in itertools.repeat(None, int(seconds / 0.01)):
            if len(self.acknowledged) >= spans:
                return
            time.sleep(0.01)
        raise AssertionError(f"{len(self.acknowledged)} of {spans} spans acknowledged in time")

    def stop(self) -> None:
        """Stop sending; requests on the way may still be answered."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        while not self._stopping.is_set():
            body, ids = request_body()
            try:
                connection.request(
                    "POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"}
                )
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                # The server was killed before it answered: nothing was acknowledged.
                connection.close()
                time.sleep(0.02)
                continue
            if response.status == 200:
                result = ExportTraceServiceResponse.FromString(body)
                assert not result.partial_success.rejected_spans
                with self._lock:
                    self.acknowledged |= ids
        connection.close()
