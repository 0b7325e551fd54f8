"""A crowd of slow clients, in a process of its own: ``python -m bench.attack.crowd PORT SORT N``.

Another process than the one that measures, and with a lower priority: the clients of a real attack
run on other machines. A connection that the server has ended is replaced, so that the crowd keeps
its size; but not one that has sent a whole request: further ones would be ordinary load.
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

from bench.attack.slow import SETTLE_SECONDS, SORTS, Sort, opened

SPREAD_SECONDS: Final = 10
"""The crowd is opened evenly over this time, and replaced no faster."""
_OPEN: Final = b"open\n"
_RECEIVE_BYTES: Final = 65_536


class Crowd:
    """``count`` connections of a sort."""

    def __init__(self, port: int, sort: Sort, count: int) -> None:
        self._port = port
        self._sort = sort
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._left = count
        """Connections that are still to be opened."""
        self._opened: dict[socket.socket, float] = {}
        """When each connection was opened."""

    @property
    def is_complete(self) -> bool:
        """Whether every connection has been opened."""
        return self._left <= self._count // SPREAD_SECONDS

    def turn(self) -> None:
        """Open what is missing, send what the sort sends, and read for a second."""
        until = time.monotonic() + 1.0
        for _ in range(min(self._left, 1 + self._count // SPREAD_SECONDS)):
            self._open()
        if self._sort.then:
            for client in self._opened:
                with suppress(OSError):
                    client.send(self._sort.then)
        while (seconds := until - time.monotonic()) > 0:
            for key, _ in self._selector.select(seconds):
                self._receive(key.data)

    def _open(self) -> None:
        try:
            client = opened(self._port, self._sort)
        except OSError:
            return  # the next turn tries again
        self._left -= 1
        client.setblocking(False)
        self._opened[client] = time.monotonic()
        if self._sort.reads:
            self._selector.register(client, selectors.EVENT_READ, client)

    def _receive(self, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(_RECEIVE_BYTES):
                return
        self._end(client)

    def _end(self, client: socket.socket) -> None:
        del self._opened[client]
        if self._sort.reads:
            self._selector.unregister(client)
        client.close()
        if not self._sort.is_answered:
            self._left += 1


@contextmanager
def crowd(port: int, name: str, count: int) -> Iterator[None]:
    """Keep ``count`` slow clients of a sort during the block; it begins once they have settled."""
    command = [sys.executable, "-m", "bench.attack.crowd", str(port), name, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != _OPEN:
                raise RuntimeError(f"the clients could not connect: {name}")
            # What they asked for first is ordinary load, which has to be answered once.
            time.sleep(SETTLE_SECONDS)
            yield
        finally:
            process.terminate()


def main() -> None:
    """Open the connections, print a line, and keep them open until this process is ended."""
    os.nice(10)
    port, name, count = sys.argv[1:]
    clients = Crowd(int(port), SORTS[name], int(count))
    for _ in range(2 * SPREAD_SECONDS):
        clients.turn()
        if clients.is_complete:
            break
    sys.stdout.buffer.write(_OPEN)
    sys.stdout.flush()
    while True:
        clients.turn()


if __name__ == "__main__":
    main()
