"""The background worker as a process: what is due is done soon, and nothing is queued for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import Flask

from tests.support.serving import environ, wait_until
from tests.support.store.records import put, span
from tracer.store.analyses.compute import SMALL_SPANS
from tracer.store.timeline.timeline import want

_ANALYSED = "SELECT count(*) FROM analyses WHERE analysed = revision"
_FILLED = "SELECT count(*) FROM timelines WHERE wanted_at IS NULL"


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
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")


def test_a_large_trace_is_analysed_and_its_timeline_filled_beside_the_queue(
    app: Flask, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        put(connection, span("root"), *[span(f"{n}", "root") for n in range(SMALL_SPANS)])
    with app.app_context():
        want("default", "t")

    def count(query: str) -> int:
        with psycopg.connect(database_url) as asking:
            found = asking.execute(query.encode()).fetchone()
        assert found is not None
        return int(found[0])

    with working(database_url):
        wait_until(lambda: count(_ANALYSED) == count(_FILLED) == 1)
    queued = "SELECT count(*) FROM procrastinate_jobs WHERE task_name !~ '(fold|forget|empty)'"
    assert count(queued) == 0
