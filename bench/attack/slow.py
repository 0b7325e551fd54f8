"""Slow clients of several kinds, and the latencies of ingest and pages meanwhile."""

from __future__ import annotations

import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from bench.load import Template

_POST: Final = b"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


SETTLE_SECONDS: Final = 3.0


class ClientKind(NamedTuple):
    """A kind of slow client: what it sends first, and then once a second."""

    first: bytes
    per_second: bytes
    reads: bool = True

    @property
    def is_answered(self) -> bool:
        """Whether the first bytes are a whole request, which costs as much as an ordinary one."""
        return self.first.endswith(b"\r\n\r\n")


CLIENT_KINDS: Final = {
    "silent": ClientKind(b"", b""),
    "part of a request line": ClientKind(b"GET /hea", b""),
    "headers byte by byte": ClientKind(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: ", b"a"),
    "body byte by byte": ClientKind(_POST + b"Content-Length: 1000\r\n\r\n{", b" "),
    "chunks byte by byte": ClientKind(
        _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"
    ),
    "idle after a request": ClientKind(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b""),
    "ends without closing": ClientKind(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", b""),
    "unread file": ClientKind(
        b"GET /static/icons.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"", reads=False
    ),
    "unread export": ClientKind(
        b"GET /api/v1/traces/large/export?format=json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"",
        reads=False,
    ),
}


class Latencies(NamedTuple):
    """95th percentiles of requests by kind (seconds), and the numbers of failed and all ones."""

    ingest: float
    pages: float
    health: float
    failed: int
    requests: int


def open_client(port: int, kind: ClientKind) -> socket.socket:
    """Return a connection of this kind that has sent its first bytes. Raises OSError."""
    client = socket.socket()
    try:
        if not kind.reads:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(5)
        client.connect(("127.0.0.1", port))
        client.sendall(kind.first)
    except OSError:
        client.close()
        raise
    return client


@contextmanager
def slow_clients(
    port: int, kind: ClientKind, count: int, settle: float = SETTLE_SECONDS
) -> Iterator[list[socket.socket]]:
    """Keep ``count`` connections of this kind open, ``settle`` seconds before the block runs."""
    sockets: list[socket.socket] = []
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(1.0):
            for each in sockets:
                with suppress(OSError):
                    if kind.per_second:
                        each.send(kind.per_second)

    thread = threading.Thread(target=drip, daemon=True)
    try:
        for _ in range(count):
            sockets.append(open_client(port, kind))
        thread.start()
        # The server first serves the clients' initial requests, which are ordinary load.
        time.sleep(settle)
        yield sockets
    finally:
        stop.set()
        for each in sockets:
            each.close()


def still_open(sockets: list[socket.socket]) -> int:
    """Return the number of connections that the server has not closed."""
    count = 0
    for each in sockets:
        each.setblocking(False)
        try:
            while data := each.recv(65536):
                pass
            count += data != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def latencies(port: int, seconds: float) -> Latencies:
    """Return the 95th percentiles (seconds) of ingest, pages and health checks, one at a time."""
    template = Template(1)
    seconds_by_kind: dict[str, list[float]] = {"ingest": [], "pages": [], "health": []}
    failed = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for kind, method, path, body in (
            ("ingest", "POST", "/v1/traces", template.fresh()),
            ("pages", "GET", "/project/default/traces", None),
            ("health", "GET", "/healthz", None),
        ):
            started = time.monotonic()
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                client.request(method, path, body, {"Content-Type": Template.content_type})
                response = client.getresponse()
                response.read()
                failed += response.status >= 400
            except OSError:
                failed += 1
            finally:
                client.close()
            seconds_by_kind[kind].append(time.monotonic() - started)
    ingest, pages, health = (_p95(seconds_by_kind[kind]) for kind in ("ingest", "pages", "health"))
    return Latencies(ingest, pages, health, failed, sum(map(len, seconds_by_kind.values())))


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
