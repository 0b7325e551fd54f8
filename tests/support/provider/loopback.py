"""HTTP on loopback for stand-ins: a quiet handler, and a server that ends with its block."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Reads and writes whole bodies."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """Return the request's body, also where it is chunked, as Node sends it."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Answer with a whole body."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """A constant: some instrumentations record the headers of a response."""
        return "provider"

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the signature is given
        """A constant, for the same reason."""
        return "Thu, 01 Jan 2026 00:00:00 GMT"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def on_loopback(handler: type[Handler]) -> Iterator[str]:
    """Serve while the block runs; yields the server's URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    # A client that keeps its connection must not keep the server from ending.
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
