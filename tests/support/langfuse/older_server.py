"""A proxy that lacks the routes of Langfuse's first generation, as its newest servers do."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GONE = ("/api/public/traces", "/api/public/observations", "/api/public/v2/scores")


@contextmanager
def newest_generation(upstream: str) -> Iterator[str]:
    """Serve the API at ``upstream`` without what the newest Langfuse answers 404 for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith(GONE) or "/runs" in path:
                self._answer(404, b'{"message": "gone", "error": "LangfuseNotFoundError"}')
                return
            asked = urllib.request.Request(upstream + self.path)
            asked.add_header("Authorization", self.headers.get("Authorization", ""))
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    self._answer(answer.status, answer.read())
            except urllib.error.HTTPError as error:
                self._answer(error.code, error.read())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
