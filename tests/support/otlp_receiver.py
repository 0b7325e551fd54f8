"""An OTLP endpoint on a real socket that records requests and can be made to misbehave."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """The requests that arrived, and how to answer the next ones."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        """Bodies of all requests, accepted or not."""
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.taken: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.scores: list[dict[str, Any]] = []
        self.behaviour: Callable[[_Handler], bool] | None = None
        """Called first with each request; returns whether it has answered it."""
        self.released = threading.Event()
        """Set at the end: lets requests that hang return."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ended(self) -> list[Span]:
        """Return the spans that had ended."""
        return [span for span in self.taken if span.end_time_unix_nano]

    def running(self) -> list[Span]:
        """Return those that were sent while they ran."""
        return [span for span in self.taken if not span.end_time_unix_nano]

    def names(self) -> list[str]:
        return sorted(span.name for span in self.ended())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.receiver
        receiver.times.append(time.monotonic())
        receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
        receiver.requests.append(body)
        if receiver.behaviour is not None and receiver.behaviour(self):
            return
        if self.path == "/api/v1/batch":
            scores = json.loads(gzip.decompress(body))["scores"]
            receiver.scores += scores
            self.answer(200, json.dumps({"results": [{"status": 201} for _ in scores]}).encode())
            return
        request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
        for group in request.resource_spans:
            attributes = {pair.key: pair.value.string_value for pair in group.resource.attributes}
            receiver.resources.append(attributes)
            for scoped in group.scope_spans:
                receiver.taken += scoped.spans
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    connections: list[socket.socket]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End the connections that clients keep, as a server that dies does."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: clients close connections here."""


@contextmanager
def receiving(receiver: Receiver | None = None) -> Iterator[Receiver]:
    """Run an endpoint while the block runs; given a ``receiver`` that ran before, at its port."""
    receiver = receiver or Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = _Server(("127.0.0.1", receiver.port), handler)
    server.connections = []
    receiver.port = server.server_address[1]
    receiver.released.clear()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.hang_up()
        thread.join()
        server.server_close()


def status(code: int, times: int, **headers: str) -> Callable[[_Handler], bool]:
    """Return a behaviour: answer with ``code`` the first ``times`` times."""
    left = [times]

    def behave(handler: _Handler) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        handler.answer(code, b"no", **headers)
        return True

    return behave


def raw(response: bytes, times: int) -> Callable[[_Handler], bool]:
    """Return a behaviour: answer with these bytes and hang up."""
    left = [times]

    def behave(handler: _Handler) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        handler.wfile.write(response)
        handler.close_connection = True
        return True

    return behave


def reset(times: int) -> Callable[[_Handler], bool]:
    """Return a behaviour: reset the connection instead of answering."""
    left = [times]

    def behave(handler: _Handler) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()
        handler.close_connection = True
        return True

    return behave


def hang(handler: _Handler) -> bool:
    """Do nothing until the receiver is released."""
    handler.receiver.released.wait()
    handler.close_connection = True
    return True
