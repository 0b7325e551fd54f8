"""`tracer backup` and `tracer restore`: while the server runs, and into an empty database."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg

from tests.support.serving import run_tracer, serving


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


def test_the_worker_alone_needs_a_database() -> None:
    done = run_tracer("worker")
    assert done.returncode == 1
    assert "DATABASE_URL is not set" in done.stderr
