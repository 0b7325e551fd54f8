"""No kind of request takes all threads."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tracer.server.connection import Connection
from tracer.server.thread_quotas import HEALTH, READ, WRITE, ThreadQuotas, request_kind


@pytest.fixture
def connection() -> Iterator[Callable[[str], Connection]]:
    """Make connections with a complete request of a kind."""
    with ExitStack() as stack:

        def make(kind: str) -> Connection:
            ours, theirs = socket.socketpair()
            theirs.close()
            made = stack.enter_context(closing(Connection(ours, None, None)))
            made.kind = kind
            return made

        yield make


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        (b"GET", b"/healthz", HEALTH),
        (b"GET", b"/ready", HEALTH),
        (b"POST", b"/v1/traces", WRITE),
        (b"PUT", b"/api/public/media/content/x", WRITE),
        (b"GET", b"/api/v1/traces", READ),
        (b"POST", b"/project/default/traces/t/bookmark", READ),
    ],
)
def test_requests_are_sorted_by_method_and_path(method: bytes, path: bytes, kind: str) -> None:
    assert request_kind(method, path) == kind


@pytest.mark.parametrize(("first", "second"), [(READ, WRITE), (WRITE, READ)])
def test_a_quarter_of_the_threads_is_left_for_the_other_kind(
    connection: Callable[[str], Connection], first: str, second: str
) -> None:
    shares = ThreadQuotas(16)
    started = []
    for kind, count in ((first, 40), (second, 40), (HEALTH, 2)):
        for _ in range(count):
            shares.put(connection(kind))
        started.append(sum(each.kind == kind for each in shares.take()))
    assert started == [12, 4, 1]
    shares.release(first)
    assert len(list(shares.take())) == 1


def test_a_single_thread_serves_every_kind(connection: Callable[[str], Connection]) -> None:
    shares = ThreadQuotas(1)
    for kind in (READ, WRITE):
        shares.put(connection(kind))
    assert len(list(shares.take())) == 1
