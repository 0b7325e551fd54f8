"""The process family: it stops cleanly, replaces members that end, and leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.http import get_bytes, is_healthy
from tests.support.serving import Serve, postmaster_pid, serving
from tests.support.waiting import wait_until
from tracer.server.postgres import Embedded
from tracer.store.database.server import known_revisions
from tracer.store.projects.projects import DEFAULT_PROJECT


def test_a_stop_answers_requests_under_way_and_leaves_no_process_behind(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        family = serve.members()
        embedded = Embedded(data_dir)
        postmaster = postmaster_pid(embedded)
        statuses: list[int] = []
        body = b'{"name": "slow"}'
        with socket.create_connection(("127.0.0.1", serve.port)) as slow:
            slow.sendall(
                b"POST /api/v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n"
                b"Expect: 100-continue\r\n\r\n" % len(body)
            )
            # The worker asks for the body: the request is under way.
            response = slow.makefile("rb")
            assert b" 100 " in response.readline()
            assert response.readline() == b"\r\n"
            assert parent_listens(serve)
            stopping = threading.Thread(target=lambda: statuses.append(serve.stop()))
            stopping.start()
            wait_until(lambda: not parent_listens(serve), "the beginning of the stop")
            slow.sendall(body)
            answer = response.read()
        stopping.join()
        assert b" 201 " in answer.splitlines()[0]
        assert statuses == [0]
        assert not psutil.pid_exists(postmaster)
        assert not any(process.is_running() for process in family)
    trace_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    with serving(data_dir=data_dir) as again:
        assert b"slow" in get_bytes(f"{again.url}/api/v1/traces/{trace_id}")


def parent_listens(serve: Serve) -> bool:
    """Return whether the parent holds the port open: it closes it when it begins to stop."""
    connections = psutil.Process(serve.process.pid).net_connections("tcp")
    return any(each.status == psutil.CONN_LISTEN for each in connections)


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_stop_the_whole_group_cleanly(
    bare_url: str, order: signal.Signals
) -> None:
    with serving("--database-url", bare_url) as serve:
        family = serve.members()
        os.killpg(serve.process.pid, order)
        assert serve.process.wait(30) == 0
        assert "Traceback" not in serve.output()
        assert not any(process.is_running() for process in family)


def test_several_servers_start_at_once_on_one_empty_database(bare_url: str) -> None:
    starts = [Serve("--database-url", bare_url, "--workers", "1") for _ in range(3)]
    try:
        for serve in starts:
            assert is_healthy(serve.wait_ready().url)
            assert serve.stop() == 0
    finally:
        for serve in starts:
            if serve.process.poll() is None:
                serve.stop()
            assert "Traceback" not in serve.output()
    with psycopg.connect(bare_url) as connection:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        projects = connection.execute("SELECT project_id FROM projects").fetchall()
    assert (revisions, projects) == ([(known_revisions()[-1],)], [(DEFAULT_PROJECT,)])


def test_after_a_kill_of_the_parent_the_next_start_takes_postgresql_over(
    data_dir: Path,
) -> None:
    with serving(data_dir=data_dir) as serve:
        get_bytes(f"{serve.url}/healthz")
        family = serve.members()
        postmaster = postmaster_pid(Embedded(data_dir))
        serve.kill()
        with serving(data_dir=data_dir, port=serve.port) as again:
            assert postmaster_pid(Embedded(data_dir)) == postmaster
            assert again.stop() == 0
            assert "taken over" in again.output()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    assert Embedded(data_dir).postmaster() is None


def test_after_a_kill_of_the_parent_the_family_ends_though_a_client_is_busy(
    data_dir: Path,
) -> None:
    with serving(data_dir=data_dir) as serve:
        family = serve.members()
        client = http.client.HTTPConnection("127.0.0.1", serve.port)
        asking = threading.Thread(target=_ask_until_refused, args=(client,))
        asking.start()
        wait_until(lambda: client.sock)
        serve.kill()
        _, alive = psutil.wait_procs(family, timeout=15)
        assert alive == []
        asking.join()


def _ask_until_refused(client: http.client.HTTPConnection) -> None:
    with suppress(OSError, http.client.HTTPException):
        while True:
            client.request("GET", "/healthz")
            client.getresponse().read()


def test_a_background_worker_that_ends_is_started_again(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        first = serve.background_worker()
        first.kill()
        first.wait(5)
        assert serve.background_worker().pid != first.pid
        assert is_healthy(serve.url)
        assert serve.stop() == 0
        assert "background worker ended" in serve.output()


def test_a_postgresql_that_ends_is_started_again(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        first = postmaster_pid(Embedded(data_dir))
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: runs_anew(data_dir, first), "a new PostgreSQL")
        wait_until(lambda: is_healthy(serve.url), "an answer from the new PostgreSQL")


def runs_anew(data_dir: Path, first: int) -> bool:
    postmaster = Embedded(data_dir).postmaster()
    return postmaster is not None and postmaster.pid != first


def test_the_idle_family_fits_in_250_megabytes(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        serve.background_worker()
        family = serve.members()
        assert len(family) == 4
        assert sum(process.memory_info().rss for process in family) <= 250 * 2**20
