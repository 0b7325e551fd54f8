"""The web worker: gunicorn's threaded worker, in which only complete requests take a thread.

The main thread receives requests and sends what clients have not read yet; threads run the
application. A client that sends or reads slowly occupies some memory for a while, and no thread.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import BytesIO
from selectors import EVENT_READ, EVENT_WRITE
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidHeader, NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from tracer.server.connection import Connection, State
from tracer.server.incoming import MEMORY_BYTES, IncomingRequest, Malformed
from tracer.server.thread_quotas import ThreadQuotas, request_kind

MAX_WAITING_BYTES: Final = 128 * 1024 * 1024
"""Of incomplete requests and unread responses, per worker; then the slowest clients are closed."""
_RECEIVE_BYTES: Final = 256 * 1024
_RETRY_SECONDS: Final = 5
_FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NONE_LEFT: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})
_UNFINISHED: Final = (State.HEAD, State.BODY)


class PatientWorker(ThreadWorker):
    """Receives whole requests, runs them in threads by kind, and sends without waiting."""

    def init_process(self) -> None:
        """Prepare the main loop, and run it until the end of the worker."""
        self._connections: set[Connection] = set()
        self._quotas = ThreadQuotas(self.cfg.threads)
        self._buffer = memoryview(bytearray(_RECEIVE_BYTES))
        self._next_check = 0.0
        app: Any = self.app
        self._largest_body: Callable[[bytes], int] = app.largest_body()
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads: one more than for reads and writes, for health checks."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + 1)

    def accept(self, listener: Any) -> None:
        """Accept a connection; where there are too many, end the one that waits longest."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in _FULL:
                self._end_longest_waiting()
            elif error.errno not in _NONE_LEFT:
                raise
            return
        # At the limit itself, gunicorn would stop accepting.
        if self.nr_conns + 1 >= self.worker_connections:
            self._end_longest_waiting()
        self.nr_conns += 1
        connection = Connection(sock, client, listener.getsockname())
        self._connections.add(connection)
        self._watch(connection, EVENT_READ)

    def murder_keepalived(self, force: bool = False) -> None:
        """Once a second, end the connections of clients that take too long (gunicorn calls it)."""
        now = time.monotonic()
        if force:
            for connection in list(self._connections):
                self._close(connection)
        elif now >= self._next_check:
            self._next_check = now + 1.0
            self._end_overdue(now)
            self._limit_memory()

    def _cap_keepalive(self, deadline: float) -> None:
        """Let a stopping worker's connections that have sent nothing end by ``deadline``."""
        for connection in self._connections:
            if connection.state in (State.NEW, State.IDLE):
                connection.deadline = min(connection.deadline, deadline)

    def _end_overdue(self, now: float) -> None:
        overdue = [each for each in self._connections if each.is_overdue(now)]
        for connection in overdue:
            if connection.state is State.READY:
                self._quotas.remove(connection)
                self._refuse(connection, 503, "the server is busy", _RETRY_SECONDS)
            elif connection.state in _UNFINISHED:
                self._refuse(connection, 408, "the request arrives too slowly")
            else:
                self._close(connection)

    def _limit_memory(self) -> None:
        """Close the slowest clients while incomplete requests and unread responses are too many."""
        sizes = {
            connection: size
            for connection in self._connections
            if (size := connection.waiting_bytes)
        }
        total = sum(sizes.values())
        # The last one may be an upload that is larger than the limit by itself.
        for slowest in sorted(sizes, key=lambda connection: connection.since)[:-1]:
            if total <= MAX_WAITING_BYTES:
                return
            total -= sizes[slowest]
            self._close(slowest)

    def _end_longest_waiting(self) -> None:
        busy = (State.READY, State.RUNNING)
        waiting = [connection for connection in self._connections if connection.state not in busy]
        if waiting:
            self._close(min(waiting, key=lambda connection: connection.since))

    def _watch(self, connection: Connection, events: int) -> None:
        """Wait for these events of the connection's socket; 0: for no events."""
        if connection.watched and events:
            self.poller.modify(connection.socket, events, partial(self._on_event, connection))
        elif events:
            self.poller.register(connection.socket, events, partial(self._on_event, connection))
        elif connection.watched:
            self.poller.unregister(connection.socket)
        connection.watched = events

    def _on_event(self, connection: Connection, _socket: object) -> None:
        if not connection.watched:
            return  # closed by another event of the same turn
        if connection.state is State.SENDING:
            connection.sock.flush()
            self._after_flush(connection)
        else:
            self._receive(connection)

    def _receive(self, connection: Connection) -> None:
        try:
            size = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if connection.state is State.LINGERING:
            if not size:
                self._close(connection)
        elif size:
            self._feed(connection, bytes(self._buffer[:size]))
        else:
            self._end_of_input(connection)

    def _end_of_input(self, connection: Connection) -> None:
        if connection.state not in _UNFINISHED:
            self._close(connection)
            return
        self.log.warning("%s: the connection ended within a request", _address(connection))
        self._refuse(connection, 400, "the request is shorter than its headers announce")

    def _feed(self, connection: Connection, data: bytes) -> None:
        """Add bytes to the connection's request; hand it to a thread once it is complete."""
        request = connection.request
        try:
            connection.rest = request.feed(data, self._largest_body)
        except Malformed as malformed:
            self._refuse(connection, malformed.status, str(malformed))
            return
        if request.complete:
            self._watch(connection, 0)
            connection.kind = request_kind(request.method, request.path)
            connection.enter(State.READY)
            self._quotas.put(connection)
            self._start_ready()
            return
        if connection.state in (State.NEW, State.IDLE):
            connection.enter(State.HEAD)
        if connection.state is State.HEAD and request.has_head:
            connection.enter(State.BODY)
            if request.expects_continue:
                connection.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._watch(connection, EVENT_READ)

    def _start_ready(self) -> None:
        """Run the requests that may take a thread now."""
        for connection in self._quotas.take():
            connection.enter(State.RUNNING)
            future = self.tpool.submit(self.handle, connection)
            future.add_done_callback(partial(self._finish_later, connection))

    def _finish_later(self, connection: Connection, future: Future[bool]) -> None:
        self.method_queue.defer(self.finish_request, connection, future)

    def handle(self, conn: Any) -> bool:
        """Run the application on a complete request, in a thread; return whether to keep alive."""
        request = None
        try:
            parser = RequestParser(self.cfg, conn.request.pieces(), conn.client)
            request = next(parser)
            _take_body(request, conn.request)
            return bool(self.handle_request(request, conn)) and not conn.request.too_large
        except (NoMoreData, StopIteration):
            return False
        except BrokenPipeError as error:
            self.log.warning("%s: %s", _address(conn), error.strerror)
        except OSError as error:
            self.log.warning("%s: %s", _address(conn), error)
        except Exception as error:
            # gunicorn's mapping: what is wrong with the request is answered with 4xx.
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def finish_request(self, conn: Any, fs: Future[bool]) -> None:
        """Send the rest of the response; then wait for the next request, or close."""
        self._quotas.release(conn.kind)
        self._start_ready()
        conn.keeps_alive = not fs.cancelled() and fs.exception() is None and fs.result()
        self._after_flush(conn)

    def _after_flush(self, connection: Connection) -> None:
        if connection.sock.failed:
            self._close(connection)
        elif connection.sock.pending:
            if connection.state is not State.SENDING:
                connection.enter(State.SENDING)
                self._watch(connection, EVENT_WRITE)
        elif connection.keeps_alive:
            connection.enter(State.IDLE)
            rest = connection.next_request()
            if rest:
                self._feed(connection, rest)
            else:
                self._watch(connection, EVENT_READ)
        else:
            self._linger(connection)

    def _refuse(
        self, connection: Connection, status: int, message: str, retry_after: int | None = None
    ) -> None:
        """Answer without the application, and close."""
        connection.answer(status, message, retry_after)
        connection.keeps_alive = False
        self._after_flush(connection)

    def _linger(self, connection: Connection) -> None:
        """End the output, and discard further input: a reset could destroy the response."""
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.enter(State.LINGERING)
        self._watch(connection, EVENT_READ)

    def _close(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self.nr_conns -= 1
            with suppress(OSError, KeyError, ValueError):
                self._watch(connection, 0)
            connection.close()


def _take_body(request: Any, incoming: IncomingRequest) -> None:
    """Give the application the received body as a file, so that reading it can't fail or wait.

    Raises gunicorn's errors where the body is malformed.
    """
    # The main thread has sent 100 Continue.
    request._expected_100_continue = False
    if incoming.too_large:
        request.force_close()
        request.body = BytesIO()
    elif isinstance(request.body.reader, ChunkedReader):
        body = SpooledTemporaryFile[bytes](MEMORY_BYTES)
        while piece := request.body.read(_RECEIVE_BYTES):
            body.write(piece)
        incoming.close()
        request.body = incoming.body = body
    elif incoming.length != getattr(request.body.reader, "length", 0):
        raise InvalidHeader("CONTENT-LENGTH", req=request)
    else:
        request.body = incoming.body
    request.body.seek(0)


def _address(connection: Connection) -> str:
    client = connection.client
    return str(client[0]) if isinstance(client, tuple) else "client"
