"""A crowd of slow clients, in a process of its own: ``python -m bench.attack.crowd PORT KIND N``.

The process has a lower priority than the one that measures, because the clients of a real attack
run on other machines. A connection that the server has closed is replaced, so that the crowd keeps
its size; except one that has sent a whole request, since further requests would be ordinary load.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from bench.attack.slow import CLIENT_KINDS, SETTLE_SECONDS, ClientKind, open_client

SPREAD_SECONDS: Final = 10
"""The crowd is opened evenly over this time, and replaced no faster."""
_OPEN: Final = b"open\n"
_RECEIVE_BYTES: Final = 65_536


class Crowd:
    """``count`` connections of a kind."""

    def __init__(self, port: int, kind: ClientKind, count: int) -> None:
        self._port = port
        self._kind = kind
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._missing = count
        """Connections that are still to be opened."""
        self._opened: dict[socket.socket, float] = {}
        """The time at which each connection was opened."""

    @property
    def is_complete(self) -> bool:
        """Whether every connection has been opened."""
        return self._missing <= self._count // SPREAD_SECONDS

    def run_for_a_second(self) -> None:
        """Open missing connections, send the bytes of each second, and read for a second."""
        until = time.monotonic() + 1.0
        for _ in range(min(self._missing, 1 + self._count // SPREAD_SECONDS)):
            self._open()
        if self._kind.per_second:
            for client in self._opened:
                with suppress(OSError):
                    client.send(self._kind.per_second)
        while (seconds := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(seconds):
                self._receive(key.data)

    def _open(self) -> None:
        try:
            client = open_client(self._port, self._kind)
        except OSError:
            return  # the next second tries again
        self._missing -= 1
        client.setblocking(False)
        self._opened[client] = time.monotonic()
        if self._kind.reads:
            self._selector.register(client, selectors.EVENT_READ, client)

    def _receive(self, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(_RECEIVE_BYTES):
                return
        self._end(client)

    def _end(self, client: socket.socket) -> None:
        del self._opened[client]
        if self._kind.reads:
            self._selector.unregister(client)
        client.close()
        if not self._kind.is_answered:
            self._missing += 1


@contextmanager
def crowd(port: int, name: str, count: int) -> Iterator[None]:
    """Keep ``count`` slow clients of a kind during the block; it begins once they have settled."""
    command = [sys.executable, "-m", "bench.attack.crowd", str(port), name, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != _OPEN:
                raise RuntimeError(f"the clients could not connect: {name}")
            # The server first serves the clients' initial requests, which are ordinary load.
            time.sleep(SETTLE_SECONDS)
            yield
        finally:
            process.terminate()


def main() -> None:
    """Open the connections, print a line, and keep them open until this process is ended."""
    os.nice(10)
    port, name, count = sys.argv[1:]
    clients = Crowd(int(port), CLIENT_KINDS[name], int(count))
    for _ in range(2 * SPREAD_SECONDS):
        clients.run_for_a_second()
        if clients.is_complete:
            break
    sys.stdout.buffer.write(_OPEN)
    sys.stdout.flush()
    while True:
        clients.run_for_a_second()


if __name__ == "__main__":
    main()
