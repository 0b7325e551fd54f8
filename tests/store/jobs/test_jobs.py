"""Bulk jobs change what was counted, once, also after an interruption, unless undone before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.store.rows import put, table_rows, trace_rows
from tests.support.traces.records import T0, span
from tracer.errors import Conflict, NotFound
from tracer.store.database.session import transaction
from tracer.store.jobs import changes, jobs, run
from tracer.store.jobs.changes import Bookmark, Delete, Score, TagEdit, TraceChange


def failed(table: sa.FromClause) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = table.c.status == "error"
    return condition


@pytest.fixture
def filled(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Traces t0 to t4, of which t0, t2 and t4 failed."""
    levels = ["error", "default", "error", "default", "error"]
    put(connection, *(span("a", trace=f"t{n}", level=level) for n, level in enumerate(levels)))
    return connection


def made(app: Flask, change: TraceChange, selected: Any = failed, **more: Any) -> str:
    """Make a job and return its id."""
    with app.app_context(), transaction():
        return jobs.create_job("default", change, selected, **more).job_id


def ran(app: Flask, connection: psycopg.Connection[Any], job_id: str) -> jobs.JobRow:
    """Run the jobs that are due, and return the job."""
    run.run_due(connection.info.dsn)
    with app.app_context():
        return jobs.get_job("default", job_id)


def bookmarked(connection: psycopg.Connection[Any]) -> set[str]:
    """Return the ids of the traces that are bookmarked."""
    return {row["trace_id"] for row in table_rows(connection, "bookmarks")}


def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have jobs change one trace per step, and be interrupted after every second step."""
    apply: Callable[..., None] = changes.apply
    calls: list[Any] = []

    def interrupted(*args: Any) -> None:
        apply(*args)
        calls.append(args)
        if len(calls) % 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "STEP_TRACES", 1)
    monkeypatch.setattr(run, "apply", interrupted)


def test_a_job_changes_the_traces_that_matched_when_it_was_made(
    app: Flask, filled: psycopg.Connection[Any]
) -> None:
    with app.app_context():
        assert jobs.count_selected("default", failed) == 3
    job_id = made(app, Bookmark())
    put(filled, span("a", trace="later", level="error"))
    job = ran(app, filled, job_id)
    assert (job.status, job.total, job.done) == ("done", 3, 3)
    assert bookmarked(filled) == {"t0", "t2", "t4"}
    assert ran(app, filled, made(app, Bookmark(present=False), ["t0", "t1"])).total == 2
    assert bookmarked(filled) == {"t2", "t4"}


@pytest.mark.parametrize(
    "change", [TagEdit({"bad": True}), Score("quality", "numeric", value=0.5)], ids=["tag", "score"]
)
def test_an_interrupted_job_goes_on_and_changes_each_trace_once(
    app: Flask,
    filled: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    change: TraceChange,
) -> None:
    in_pieces(monkeypatch)
    job_id = made(app, change)
    interruptions = 0
    while True:
        try:
            job = ran(app, filled, job_id)
            break
        except KeyboardInterrupt:
            interruptions += 1
    assert (job.status, job.done) == ("done", 3)
    assert interruptions >= 2
    tagged = [row["trace_id"] for row in trace_rows(filled) if row["tags"] == ["bad"]]
    scored = [row["trace_id"] for row in table_rows(filled, "scores") if row["value"] == 0.5]
    assert tagged + scored == ["t0", "t2", "t4"]


def test_a_delete_waits_and_can_be_undone_until_it_runs(
    app: Flask, filled: psycopg.Connection[Any]
) -> None:
    job_id = made(app, Delete(), delay=60)
    assert ran(app, filled, job_id).status == "waiting"
    with app.app_context():
        with transaction():
            assert jobs.undo_job("default", job_id).status == "undone"
        with pytest.raises(Conflict), transaction():
            jobs.undo_job("default", job_id)
        with pytest.raises(NotFound), transaction():
            jobs.undo_job("default", "none")
    filled.execute("UPDATE jobs SET run_after = now()")
    filled.commit()
    assert ran(app, filled, job_id).status == "undone"
    assert len(trace_rows(filled)) == 5
    assert table_rows(filled, "job_items") == []


def test_a_delete_removes_the_traces_and_what_belongs_to_them(
    app: Flask, filled: psycopg.Connection[Any]
) -> None:
    job = ran(app, filled, made(app, Delete()))
    assert (job.status, job.done) == ("done", 3)
    assert {row["trace_id"] for row in trace_rows(filled)} == {"t1", "t3"}
    assert {row["trace_id"] for row in table_rows(filled, "spans")} == {"t1", "t3"}
    with app.app_context():
        assert [row.job_id for row in jobs.list_jobs("default")] == [job.job_id]
        assert jobs.list_jobs("other") == []


def test_spans_may_arrive_while_a_job_waits(app: Flask, filled: psycopg.Connection[Any]) -> None:
    job_id = made(app, TagEdit({"x": True}), ["t0", "gone"])
    put(filled, span("b", "a", trace="t0", start_time=T0 + 5))
    job = ran(app, filled, job_id)
    assert (job.total, job.done) == (1, 1)
    assert trace_rows(filled)[0]["tags"] == ["x"]
