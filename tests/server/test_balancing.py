"""New connections go to the worker that has fewer."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.support.serving import Serve, serving
from tests.support.waiting import wait_until
from tracer.server.balancing import ConnectionCounts

CONNECTIONS = 40
# Under load a worker may sleep for longer than its sibling waits, and once more after that.
SLIPS = 4


def connections(serve: Serve) -> list[int]:
    """Return how many connections each web worker that has some has, the fewest first."""
    counts: Counter[int] = Counter()
    for member in serve.members():
        for each in member.net_connections("tcp"):
            if each.status != psutil.CONN_LISTEN and each.laddr.port == serve.port:
                counts[member.pid] += 1
    return sorted(counts.values())


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
        wait_until(lambda: not connections(serve))
        # A worker that has closed one writes so on the board a moment later.
        time.sleep(0.2)


def test_open_connections_are_shared_out_evenly(data_dirs: Path) -> None:
    with serving("--workers", "2", data_dir=data_dirs / "balanced") as serve:
        # The server answers as soon as its first worker does; the second follows.
        wait_until(lambda: len(shares(serve)) == 2)
        for fewer, more in [shares(serve) for _ in range(5)]:
            assert fewer + more == CONNECTIONS
            assert more - fewer <= SLIPS


def test_a_worker_that_does_not_run_counts_as_busy() -> None:
    counts = ConnectionCounts(2)
    assert not counts.has_less_loaded(5)
    counts.set(0, 3)
    assert counts.has_less_loaded(4)
    assert not counts.has_less_loaded(3)


class Arbiter:
    """The part of gunicorn's arbiter that ConnectionCounts reads: its workers."""

    def __init__(self) -> None:
        self.WORKERS: dict[int, Worker] = {}


class Worker:
    """A worker as gunicorn makes it, before it is forked."""

    slot: int


def spawn(counts: ConnectionCounts, arbiter: Arbiter, pid: int) -> int:
    """Assign a slot to a new worker and return it."""
    worker = Worker()
    counts.assign_slot(arbiter, worker)
    arbiter.WORKERS[pid] = worker
    return worker.slot


def test_a_new_worker_takes_the_slot_of_the_one_that_ended() -> None:
    counts, arbiter = ConnectionCounts(2), Arbiter()
    assert [spawn(counts, arbiter, pid) for pid in (1, 2)] == [0, 1]
    counts.free_slot(arbiter, arbiter.WORKERS.pop(1))
    assert spawn(counts, arbiter, 3) == 0
