"""A proxy without the older generation of Langfuse's routes, as the newest servers are."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GONE = ("/api/public/traces", "/api/public/observations", "/api/public/v2/scores")


@contextmanager
def without_older_routes(upstream: str) -> Iterator[str]:
    """Serve the API at ``upstream``; answer 404 for the routes that the newest Langfuse lacks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith(GONE) or "/runs" in path:
                self._answer(404, b'{"message": "gone", "error": "LangfuseNotFoundError"}')
                return
            request = urllib.request.Request(upstream + self.path)
            request.add_header("Authorization", self.headers.get("Authorization", ""))
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    self._answer(response.status, response.read())
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
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
