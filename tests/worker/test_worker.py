"""The background worker: due tasks run soon, and a failing one stops no other."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from tests.support.serving import environ
from tests.support.store.rows import put
from tests.support.traces.records import span
from tests.support.waiting import wait_until
from tracer.export.selections.write import ExportSpec
from tracer.store.database.session import transaction
from tracer.store.jobs.changes import Bookmark
from tracer.store.jobs.exports import create_export, read_file
from tracer.store.jobs.jobs import create_job
from tracer.store.thresholds import MAX_SPANS_ANALYSED
from tracer.store.timeline.timeline import request_timeline
from tracer.worker.loop import Loop
from tracer.worker.tasks import Task, compact_counters

_ANALYSED = "SELECT count(*) FROM analyses WHERE analysed = revision"
_FILLED = "SELECT count(*) FROM timelines WHERE wanted_at IS NULL"
_INDEXED = "SELECT count(*) FROM trace_words"
_JOBS = "SELECT count(*) FROM jobs WHERE status = 'done'"


@contextmanager
def working(database_url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tracer.worker"],
        env=environ(DATABASE_URL=database_url),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


def test_the_process_analyses_and_indexes_a_large_trace_and_runs_jobs(
    app: Flask, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        put(connection, span("root"), *[span(f"{n}", "root") for n in range(MAX_SPANS_ANALYSED)])
    with app.app_context(), transaction():
        request_timeline("default", "t")
        create_job("default", Bookmark(), ["t"])
        job = create_export("default", "", ExportSpec(format="csv", spans=True), None)

    def count(query: str) -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    with working(database_url):
        wait_until(lambda: count(_ANALYSED) == count(_FILLED) == count(_INDEXED) == 1)
        wait_until(lambda: count(_JOBS) == 2)
    with app.app_context():
        lines = b"".join(read_file("default", job.job_id).pieces).splitlines()
    assert len(lines) == 2 + MAX_SPANS_ANALYSED


def test_the_process_ends_with_one_line_when_the_database_is_away(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tracer.worker"],
        env=environ(DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tracer: the background worker lost the database: ")


class Recorder:
    """A task's function that remembers its calls, waits for ``release``, and may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.release = threading.Event()
        self.release.set()
        self.error = error

    def __call__(self, _url: str, _stop: threading.Event) -> None:
        self.calls += 1
        self.release.wait(60)
        if self.error:
            raise self.error


@contextmanager
def looping(url: str, *tasks: Task) -> Iterator[threading.Event]:
    """Run the loop with these tasks in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(target=Loop(url, tasks, stop, 0.01).run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_a_task_runs_when_its_query_returns_a_row_and_only_then(database_url: str) -> None:
    due, idle = Recorder(), Recorder()
    tasks = Task("due", 0, due, "SELECT 1"), Task("idle", 0, idle, "SELECT 1 WHERE false")
    with looping(database_url, *tasks):
        wait_until(lambda: due.calls >= 2)
    assert idle.calls == 0


def test_a_task_never_runs_twice_at_once(database_url: str) -> None:
    slow, quick = Recorder(), Recorder()
    slow.release.clear()
    with looping(database_url, Task("slow", 0, slow), Task("quick", 0, quick)):
        wait_until(lambda: quick.calls >= 3)
        assert slow.calls == 1
        slow.release.set()
        wait_until(lambda: slow.calls >= 2)


def test_a_task_that_fails_is_logged_and_stops_no_other_one(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing, quick = Recorder(ValueError("no good")), Recorder()
    with looping(database_url, Task("failing", 0, failing), Task("quick", 0, quick)):
        wait_until(lambda: quick.calls >= 3)
    assert failing.calls == 1
    assert "failing failed; next try in a minute" in caplog.text


def test_the_loop_ends_when_its_parent_has_ended(database_url: str) -> None:
    task = Recorder()
    Loop(database_url, [Task("task", 0, task)], threading.Event(), 0.01).run(lambda: task.calls < 2)
    assert task.calls >= 1


def test_counters_are_folded_by_one_of_two_workers_at_a_time(database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute(
            "INSERT INTO mapping_counts (project_id, measure, value, number)"
            " SELECT 'default', 'dialect', 'plain', 1 FROM generate_series(1, 3)"
        )
        other.commit()
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('fold counters', 2))")
        compact_counters(database_url, threading.Event())
        assert number_of_rows(other) == 3
        other.rollback()
        compact_counters(database_url, threading.Event())
        assert number_of_rows(other) == 1


def number_of_rows(connection: psycopg.Connection[tuple[int]]) -> int:
    """Return how many counter rows there are."""
    row = connection.execute("SELECT count(*) FROM mapping_counts").fetchone()
    assert row is not None
    return row[0]
