"""One client's connection: its state and deadline, and responses without the application."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from typing import Final

from tracer.server.incoming import IncomingRequest
from tracer.server.outgoing import Outgoing

HEAD_SECONDS: Final = 10.0
"""Longest time until the end of a request's headers, from its first byte or the connection."""
BODY_SECONDS: Final = 10.0
MIN_BODY_RATE: Final = 500
"""Bytes per second; a body that stays slower than this after BODY_SECONDS is answered with 408."""
KEEP_ALIVE_SECONDS: Final = 75.0
LINGER_SECONDS: Final = 2.0
"""How long a client may go on sending after the last answer, so that it can read that answer."""
THREAD_SECONDS: Final = 10.0
"""A request that has waited longer for a thread is answered with 503."""


class State(Enum):
    """What a connection waits for, and for how many seconds."""

    NEW = HEAD_SECONDS, "the first request"
    IDLE = KEEP_ALIVE_SECONDS, "a further request"
    HEAD = HEAD_SECONDS, "the rest of the headers"
    BODY = BODY_SECONDS, "the rest of the body"
    READY = THREAD_SECONDS, "a thread"
    RUNNING = float("inf"), "the thread"
    SENDING = float("inf"), "the client to read; `Outgoing` has the limit"
    LINGERING = LINGER_SECONDS, "the client to close"


class Connection:
    """A client's connection; gunicorn reads its ``sock``, ``client`` and ``server``."""

    def __init__(self, sock: socket.socket, client: object, server: object) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.sock = Outgoing(sock)
        self.client = client
        self.server = server
        self.request = IncomingRequest()
        self.rest = b""
        """Bytes of the next request, which arrived with the current one."""
        self.kind = ""
        """Kind of the complete request (see `thread_quotas`)."""
        self.keeps_alive = False
        """Whether the client may send a further request after this response."""
        self.watched = 0
        """The events that the main loop waits for."""
        self.enter(State.NEW)

    def enter(self, state: State) -> None:
        """Enter a state; its time limit begins now."""
        self.state = state
        self.since = time.monotonic()
        self.deadline = self.since + state.value[0]

    def is_overdue(self, now: float) -> bool:
        """Return whether the wait takes longer than it may."""
        if self.state is State.SENDING:
            return self.sock.is_stalled
        progress = self.request.received / MIN_BODY_RATE if self.state is State.BODY else 0.0
        return now > self.deadline + progress

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait in memory or in a file for the client."""
        incoming = self.request.received if self.state in (State.HEAD, State.BODY) else 0
        return incoming + (len(self.sock.pending) if self.state is State.SENDING else 0)

    def answer(self, status: int, message: str, retry_after: int | None = None) -> None:
        """Queue a short response without the application."""
        body = f"{message}\n".encode()
        retry = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n{retry}"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with suppress(OSError):
            self.sock.sendall(head.encode() + body)

    def next_request(self) -> bytes:
        """Free the request; return the bytes of the next one that have arrived."""
        self.request.close()
        self.request = IncomingRequest()
        rest, self.rest = self.rest, b""
        return rest

    def close(self) -> None:
        """Close the socket, and free the request."""
        self.request.close()
        self.socket.close()
