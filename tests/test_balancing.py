"""New connections go to the worker that has fewer."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.support import Serve, serving
from tracer.balancing import Board

CONNECTIONS = 6


def connections(serve: Serve) -> list[int]:
    """Return how many established connections each web worker has."""
    found: Counter[int] = Counter()
    for member in serve.members():
        for each in member.net_connections("tcp"):
            if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == serve.port:
                found[member.pid] += 1
    return sorted(found.values())


def shares(serve: Serve) -> list[int]:
    """Return how many of a few new connections each web worker takes."""
    clients = [http.client.HTTPConnection("127.0.0.1", serve.port) for _ in range(CONNECTIONS)]
    try:
        for client in clients:
            client.request("GET", "/healthz")
            assert client.getresponse().read()
        return connections(serve)
    finally:
        for client in clients:
            client.close()
        # A worker counts a connection out when it has seen it closed.
        time.sleep(0.2)


def test_connections_that_stay_open_are_shared_out_evenly(data_dirs: Path) -> None:
    even = [CONNECTIONS // 2] * 2
    with serving("--workers", "2", data_dir=data_dirs / "balanced") as serve:
        # The server answers as soon as its first worker does; the second follows.
        deadline = time.monotonic() + 20
        while shares(serve) != even and time.monotonic() < deadline:
            time.sleep(0.2)
        assert [shares(serve) for _ in range(3)] == [even] * 3


def test_nobody_waits_for_a_worker_that_is_not_there() -> None:
    board = Board(2)
    assert not board.has_lighter(5)
    board.note(0, 3)
    assert board.has_lighter(4)
    assert not board.has_lighter(3)


class Arbiter:
    """What the board asks of gunicorn's arbiter: its living workers."""

    def __init__(self) -> None:
        self.WORKERS: dict[int, Worker] = {}


class Worker:
    """A worker as gunicorn makes it, before it is forked."""

    place: int


def spawn(board: Board, arbiter: Arbiter, pid: int) -> int:
    """Seat a new worker and return its place."""
    worker = Worker()
    board.seat(arbiter, worker)
    arbiter.WORKERS[pid] = worker
    return worker.place


def test_a_new_worker_takes_the_place_of_the_one_that_ended() -> None:
    board, arbiter = Board(2), Arbiter()
    assert [spawn(board, arbiter, pid) for pid in (1, 2)] == [0, 1]
    board.leave(arbiter, arbiter.WORKERS.pop(1))
    assert spawn(board, arbiter, 3) == 0
