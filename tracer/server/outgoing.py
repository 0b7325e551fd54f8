"""The socket for a response: bytes that the client has not read wait in memory, not in a thread."""

from __future__ import annotations

import errno
import select
import socket
import time
from typing import Final

BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Longest unread part of a response; beyond it, the thread of the request waits."""
STALL_SECONDS: Final = 10.0
MIN_BYTES_PER_SECOND: Final = 10_000
"""A reader that stays slower than this after STALL_SECONDS is disconnected."""
_PIECE: Final = 256 * 1024


class Outgoing:
    """The socket that gunicorn writes a response to.

    In a request's thread until the response is complete, then in the main thread, never in both.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.pending = bytearray()
        self.failed = False
        self._started = 0.0
        self._sent = 0

    @property
    def is_stalled(self) -> bool:
        """Whether the client reads the pending bytes too slowly."""
        allowed = STALL_SECONDS + self._sent / MIN_BYTES_PER_SECOND
        return time.monotonic() - self._started > allowed

    def sendall(self, data: bytes) -> None:
        """Send what the client reads at once, and keep the rest, up to BUFFER_BYTES.

        Raises BrokenPipeError where the client has gone or reads too slowly.
        """
        if not self.pending:
            self._started, self._sent = time.monotonic(), 0
        self.pending += data
        self.flush()
        while len(self.pending) > BUFFER_BYTES and not self.failed:
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            poll.poll(1000)
            self.flush()
            if self.is_stalled:
                self.failed = True
        if self.failed:
            raise BrokenPipeError(errno.EPIPE, "the client does not read the response")

    send = sendall

    def flush(self) -> None:
        """Send as much as the client takes without waiting."""
        while self.pending and not self.failed:
            try:
                with memoryview(self.pending) as view:
                    sent = self._socket.send(view[:_PIECE])
            except BlockingIOError:
                return
            except OSError:
                self.failed = True
                return
            del self.pending[:sent]
            self._sent += sent

    def gettimeout(self) -> float:
        """Return 0: no call waits (gunicorn asks before it writes an error)."""
        return 0.0

    def shutdown(self, _how: int) -> None:
        """Refuse gunicorn's graceful close, which would wait for the client."""
        raise OSError(errno.ENOTCONN, "closed by the main thread")

    def close(self) -> None:
        """Do nothing: the main thread closes the socket."""
