"""`tracer backup` and `tracer restore`: while the server runs, and into an empty database."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.otlp_load import Load, request_body
from tests.support.serving import command, environ, run_tracer, serving
from tracer.server.postgres import Embedded

SPANS = 1_000_000
A_REQUEST = 2_000


def test_a_backup_of_a_running_server_restores_what_was_acknowledged(
    data_dir: Path, tmp_path: Path, bare_url: str
) -> None:
    file = tmp_path / "tracer.dump"
    with serving(data_dir=data_dir) as serve:
        body = {"id": "kept", "name": "kept"}
        assert httpx.post(f"{serve.url}/api/v1/traces", json=body).status_code == 201
        done = run_tracer("backup", str(file), "--data-dir", str(data_dir))
        assert done.returncode == 0, done.stderr
    again = run_tracer("backup", str(file), "--data-dir", str(data_dir))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    restored = run_tracer("restore", str(file), DATABASE_URL=bare_url)
    assert restored.returncode == 0, restored.stderr
    with psycopg.connect(bare_url) as connection:
        assert connection.execute("SELECT trace_id FROM traces").fetchall() == [("kept",)]
    full = run_tracer("restore", str(file), DATABASE_URL=bare_url)
    assert full.returncode == 1
    assert "has data already" in full.stderr


@pytest.mark.slow
def test_a_million_spans_are_backed_up_while_more_arrive_and_are_restored(
    data_dir: Path, tmp_path: Path, bare_url: str
) -> None:
    file = tmp_path / "tracer.dump"
    with serving(data_dir=data_dir) as serve:
        with ThreadPoolExecutor(3) as senders:
            sent = senders.map(lambda _: send_spans(serve.url), range(SPANS // A_REQUEST))
            before = set().union(*sent)
        load = Load(serve.url, clients=2).start()
        try:
            load.wait_for(1)
            started = time.monotonic()
            run_for_minutes("backup", str(file), "--data-dir", str(data_dir))
            dumped = time.monotonic()
        finally:
            load.stop()
        size = database_bytes(Embedded(data_dir).url)
    assert len(before) == SPANS
    begun = time.monotonic()
    run_for_minutes("restore", str(file), DATABASE_URL=bare_url)
    print(
        f"backup {dumped - started:.0f} s, restore {time.monotonic() - begun:.0f} s,"
        f" file {file.stat().st_size / 1e6:.0f} MB of a database of {size / 1e6:.0f} MB,"
        f" {len(load.acknowledged)} spans acknowledged meanwhile"
    )
    with psycopg.connect(bare_url) as connection:
        restored = {row[0] for row in connection.execute("SELECT span_id FROM spans").fetchall()}
        payloads = connection.execute("SELECT count(input) FROM span_payloads").fetchone()
    assert before <= restored <= before | load.acknowledged
    assert payloads == (len(restored),)


def send_spans(url: str) -> set[str]:
    """Send fresh spans; return their ids."""
    body, ids = request_body(A_REQUEST)
    headers = {"Content-Type": "application/x-protobuf"}
    while httpx.post(f"{url}/v1/traces", content=body, headers=headers, timeout=120).is_error:
        time.sleep(0.2)  # the queue is full: sent again, as clients do
    return ids


def run_for_minutes(*args: str, **more: str) -> None:
    """Run `tracer`, however long it takes."""
    subprocess.run(command(*args), env=environ(**more), check=True, timeout=1800)


def database_bytes(url: str) -> int:
    """Return the size of a database."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def test_the_worker_alone_needs_a_database() -> None:
    done = run_tracer("worker")
    assert done.returncode == 1
    assert "DATABASE_URL is not set" in done.stderr
