"""The log and the search of a trace: the same from the stored index as in memory."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.analysis.log.matches import LogFilter
from tracer.analysis.log.words import terms
from tracer.store import thresholds
from tracer.store.database.session import transaction
from tracer.store.timeline import in_memory
from tracer.store.timeline.fill import fill, fill_requested
from tracer.store.timeline.in_memory import read_small
from tracer.store.timeline.indexed import read_stored
from tracer.store.timeline.log import Log, LogPage, Query
from tracer.store.timeline.timeline import open_timeline, request_timeline
from tracer.times import from_micros
from tracer.ui.trace.timeline import open_log

SECOND = 1_000_000


def story() -> list[Any]:
    """Return spans that start in groups of three, some with an event after their end."""
    made: list[Any] = [span("root", kind="agent", end_time=T0 + 900 * SECOND)]
    for n in range(600):
        time = T0 + n // 3 * SECOND
        made.append(
            span(
                f"s{n:03}",
                "root",
                start_time=time,
                end_time=time + SECOND,
                kind=("tool", "generation", "retriever")[n % 3],
                level=("default", "default", "error", "warning")[n % 4],
                input={"query": f"ticket INV-{n}", "words": ["common", "odd" if n % 2 else "even"]},
                output="CursorTimeout" if n % 50 == 7 else None,
                events=[{"name": "retry", "time": iso(time + 5 * SECOND), "attributes": {}}]
                if n % 100 == 3
                else [],
            )
        )
    return made


def iso(micros: int) -> str:
    return from_micros(micros).isoformat()


def spans_of(page: LogPage) -> list[tuple[str, int | None]]:
    return [(row.span.span_id, row.number) for row in page.rows]


def test_the_stored_index_gives_the_same_log_as_a_search_in_memory(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *story())
    assert fill(connection, "default", "t") == 607
    with app.app_context():
        small, stored = read_small("default", "t"), read_stored("default", "t")
        assert small is not None
        assert stored is not None
        assert stored.behind == 0
        counts: list[int] = []
        for log_filter in (
            LogFilter(),
            LogFilter(tuple(terms("timeout"))),
            LogFilter(tuple(terms("inv-57"))),
            LogFilter(tuple(terms("even common")), ("tool",)),
            LogFilter((), ("event",)),
            LogFilter((), ("tool", "retriever"), ("warning", "error")),
            LogFilter(tuple(terms("nothing like it"))),
        ):
            in_memory_log, indexed_log = small.find(log_filter), stored.find(log_filter)
            entries = in_memory_log.after(None, 1000)
            assert (in_memory_log.count, indexed_log.count) == (len(entries), len(entries)), (
                log_filter
            )
            assert indexed_log.after(None, 1000) == entries
            assert not indexed_log.more
            assert not in_memory_log.unsearched
            for position in range(0, len(entries), 61):
                key = entries[position]
                behind = entries[position + 1] if position + 1 < len(entries) else None
                beside = (entries[position - 1] if position else None, position, behind)
                assert in_memory_log.beside(key) == indexed_log.beside(key) == beside
                between = key._replace(span_id=key.span_id + "?")
                assert (
                    in_memory_log.beside(between)
                    == indexed_log.beside(between)
                    == (key, None, behind)
                )
                for limit in (1, 7):
                    assert in_memory_log.after(key, limit) == indexed_log.after(key, limit)
                    assert in_memory_log.before(key, limit) == indexed_log.before(key, limit)
            assert sum(count for _, count in indexed_log.times()) == len(entries)
            counts.append(len(entries))
        assert counts[0] == 607
        assert [number > 0 for number in counts] == [True] * 6 + [False]


def test_pages_lead_through_the_log_and_back(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *story())
    with app.app_context():
        timeline = open_timeline("default", "t")
        assert timeline is not None
        log = Log("default", "t", timeline, Query(kind="event").log_filter())
        first = log.page(None, 4)
        second = log.page(first.later, 4)
        assert spans_of(first) + spans_of(second) == [(f"s{n:03}", 0) for n in range(3, 600, 100)]
        assert first.rows[0].event["name"] == "retry"
        assert first.rows[0].time - first.rows[0].span.start_time == timedelta(seconds=5)
        assert (first.earlier, second.later) == (None, None)
        assert spans_of(log.page(second.earlier, 4)) == spans_of(first)
        everything = Log("default", "t", timeline, Query().log_filter()).page(None, 1000)
        assert everything.count == len(everything.rows) == 607
        worse = Log("default", "t", timeline, Query(level="warning").log_filter()).page(None, 1000)
        assert {row.span.level for row in worse.rows} == {"warning", "error"}


def test_a_span_has_a_position_among_the_hits(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *story())
    with app.app_context():
        log = open_log("default", "t", Query(words="CursorTimeout").log_filter())
        assert log is not None
        hits = [row.span for row in log.page(None).rows]
        position = log.position(hits[3].span_id)
        assert (position.number, position.count) == (4, 12)
        assert (position.previous, position.next) == (hits[2].span_id, hits[4].span_id)
        first = log.position(None)
        assert (first.number, first.previous, first.next) == (None, None, hits[0].span_id)
        every = open_log("default", "t", Query().log_filter())
        assert every is not None
        assert any(row.span.span_id == "s008" for row in every.page(None).rows)
        between = log.position("s008")
        assert (between.number, between.previous, between.next) == (None, "s007", "s057")
        start = from_micros(T0)
        assert sum(log.buckets(start, start + timedelta(seconds=200), 20)) == 12


def test_a_large_trace_is_indexed_once_a_page_requests_it(
    app: Flask, connection: psycopg.Connection[Any], database_url: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(thresholds, "MAX_SPANS_IN_MEMORY", 100)
    put(connection, *story())
    connection.execute("UPDATE traces SET updated_at = now() - interval '5 seconds'")
    connection.commit()
    assert fill_requested(database_url) == 0
    with app.app_context():
        assert open_log("default", "t", Query().log_filter()) is None
        assert fill_requested(database_url) == 1
        log = open_log("default", "t", Query(words="timeout").log_filter())
        assert log is not None
        assert (log.matches.count, log.matches.unsearched) == (12, 0)
        put(connection, span("late", "root", output="a timeout as well"))
        log = open_log("default", "t", Query(words="timeout").log_filter())
        assert log is not None
        assert (log.matches.count, log.matches.unsearched) == (12, 1)
        connection.execute("UPDATE traces SET updated_at = now() - interval '5 seconds'")
        connection.commit()
        assert fill_requested(database_url) == 1
        log = open_log("default", "t", Query(words="timeout").log_filter())
        assert log is not None
        assert (log.matches.count, log.matches.unsearched) == (13, 0)
    for table in ("timeline_segments", "timeline_pages", "timeline_words"):
        segments = connection.execute(f"SELECT DISTINCT segment FROM {table}").fetchall()
        assert segments == [(1,)], table


def test_spans_beyond_the_size_of_a_search_are_counted_and_indexing_is_requested(
    app: Flask, connection: psycopg.Connection[Any], database_url: str, monkeypatch: Any
) -> None:
    put(connection, *story())
    with app.app_context():
        with monkeypatch.context() as patch:
            patch.setattr(in_memory, "_MAX_BYTES", 10_000)
            log = open_log("default", "t", Query(words="even").log_filter())
        assert log is not None
        assert 0 < log.matches.unsearched < 601
        assert log.matches.count < 300
        connection.execute("UPDATE traces SET updated_at = now() - interval '5 seconds'")
        connection.commit()
        assert fill_requested(database_url) == 1


def test_a_term_that_begins_too_many_words_is_reported(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    made = [span(f"{n:016x}", input=f"item{n:012}") for n in range(9_000)]
    put(connection, *made)
    assert fill(connection, "default", "t") == 9_000
    with app.app_context():
        log = open_log("default", "t", Query(words="item").log_filter())
        assert log is not None
        assert log.matches.more
        assert 500 < log.matches.count < 9_000
        log = open_log("default", "t", Query(words="item000000001234").log_filter())
        assert log is not None
        assert (log.matches.count, log.matches.more) == (1, False)


@pytest.mark.parametrize("other", [("other", "t"), ("default", "u")])
def test_a_search_finds_nothing_of_another_trace_or_project(
    app: Flask, connection: psycopg.Connection[Any], other: tuple[str, str]
) -> None:
    put(connection, span("mine", input="secret"))
    fill(connection, "default", "t")
    with app.app_context():
        log = open_log(*other, Query(words="secret").log_filter())
        assert log is not None
        assert log.matches.count == 0


def test_a_reader_does_not_wait_for_the_worker_that_fills_the_index(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *story())

    def ask() -> None:
        with app.app_context(), transaction():
            request_timeline("default", "t")

    ask()
    connection.execute("SELECT FROM timelines FOR UPDATE")
    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(timeout=10)
    waited = asking.is_alive()
    connection.rollback()
    asking.join()
    assert not waited
