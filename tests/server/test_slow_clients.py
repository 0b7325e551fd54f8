"""Clients that send or read slowly take no thread, and end after a while."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from bench.attack.crowd import crowd
from bench.attack.slow import CLIENT_KINDS, ClientKind, latencies, slow_clients
from tests.support.http import get_bytes
from tests.support.serving import Serve, serving
from tests.support.waiting import wait_until
from tracer.server.postgres import Embedded

# More than the threads of both web workers.
CLIENTS = 80
OTLP = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MEGABYTES = 24
BROKEN_OFF = "the connection ended within a request"


@pytest.fixture(scope="module")
def attacked(data_dirs: Path) -> Iterator[Serve]:
    """A server with a trace whose export is larger than what may wait for a reader."""
    with serving(data_dir=data_dirs / "attacked") as serve:
        for number in range(MEGABYTES):
            spans = [
                {"id": f"{number}-{n}", "trace_id": "large", "name": "s", "input": "x" * 100_000}
                for n in range(10)
            ]
            body = json.dumps({"spans": spans}).encode()
            headers = {"Content-Type": "application/json"}
            urlopen(Request(f"{serve.url}/api/v1/batch", body, headers)).close()
        yield serve


def exchange(serve: Serve, sent: bytes, end: bool = False) -> bytes:
    """Return all that the server answers until it closes; ``end``: after our end of input."""
    with socket.create_connection(("127.0.0.1", serve.port), timeout=30) as client:
        client.sendall(sent)
        if end:
            client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


@pytest.mark.parametrize("name", CLIENT_KINDS)
def test_slow_clients_take_no_thread(attacked: Serve, name: str) -> None:
    with slow_clients(attacked.port, CLIENT_KINDS[name], CLIENTS, settle=0.5):
        for path in ("/healthz", "/project/default/traces"):
            assert get_bytes(attacked.url + path)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIENT_KINDS)
def test_a_thousand_slow_clients_leave_latencies_alone(attacked: Serve, name: str) -> None:
    # The best of three: what else runs on the machine only ever adds to a latency.
    before = [latencies(attacked.port, 4) for _ in range(3)]
    with crowd(attacked.port, name, 1_000):
        during = [latencies(attacked.port, 4) for _ in range(3)]
    assert sum(each.failed for each in during) == 0
    assert min(each.ingest for each in during) < 2 * min(each.ingest for each in before)
    assert min(each.pages for each in during) < 2 * min(each.pages for each in before)


def test_an_export_that_nobody_reads_ends_and_frees_its_snapshot(attacked: Serve) -> None:
    assert attacked.data_dir is not None
    with (
        slow_clients(attacked.port, CLIENT_KINDS["unread export"], 20, settle=0),
        psycopg.connect(Embedded(attacked.data_dir).url, autocommit=True) as connection,
    ):

        def snapshots() -> int:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
                " AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            ).fetchone()
            assert row is not None
            return int(row[0])

        wait_until(lambda: snapshots() > 0, "an export")
        wait_until(lambda: snapshots() == 0, "the end of the exports")


def test_a_client_gets_408_for_headers_that_do_not_end(attacked: Serve) -> None:
    started = time.monotonic()
    answer = exchange(attacked, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    assert b" 408 " in answer.splitlines()[0]
    assert time.monotonic() - started < 20


def test_a_client_gets_408_for_a_body_that_trickles(attacked: Serve) -> None:
    trickle = ClientKind(OTLP + b"Content-Length: 100000\r\n\r\n{", b" ")
    with slow_clients(attacked.port, trickle, 1, settle=0) as clients:
        clients[0].settimeout(30)
        assert b" 408 " in clients[0].recv(100).splitlines()[0]


def test_a_body_shorter_than_announced_is_400_and_one_line_in_the_log(attacked: Serve) -> None:
    answer = exchange(attacked, OTLP + b"Content-Length: 1000\r\n\r\n{}", end=True)
    assert b" 400 " in answer.splitlines()[0]


def test_a_malformed_chunk_size_is_400(attacked: Serve) -> None:
    answer = exchange(attacked, OTLP + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert b" 400 " in answer.splitlines()[0]


def test_an_announced_body_that_is_too_large_is_413_without_being_sent(attacked: Serve) -> None:
    answer = exchange(attacked, OTLP + b"Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n")
    assert b" 413 " in answer.splitlines()[0]


def test_requests_sent_at_once_are_answered_in_order(attacked: Serve) -> None:
    ask = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    answer = exchange(
        attacked,
        ask % (b"/healthz", b"") * 2 + ask % (b"/missing.json", b"Connection: close\r\n"),
    )
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b"HTTP/1.1 404") > answer.rindex(b"HTTP/1.1 200")


def test_a_header_named_script_name_changes_nothing(attacked: Serve) -> None:
    ask = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\nConnection: close\r\n\r\n"
    )
    assert b" 200 " in exchange(attacked, ask).splitlines()[0]


def test_clients_that_break_off_leave_one_line_each_and_no_traceback(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve, ExitStack() as open_clients:
        clients = [
            open_clients.enter_context(socket.create_connection(("127.0.0.1", serve.port)))
            for _ in range(10)
        ]
        for client in clients:
            client.sendall(OTLP + b"Content-Length: 1000\r\n\r\n{")
        assert get_bytes(f"{serve.url}/healthz")
        open_clients.close()
        wait_until(lambda: serve.printed().count(BROKEN_OFF) == len(clients), "a line for each")
        serve.stop()
        output = serve.output()
    assert "Traceback" not in output
    assert output.count(BROKEN_OFF) == 10
