"""A deleted trace leaves no row behind, corrects all counts, and can't be written again."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.deletions import GONE, full_trace, score_record, tables_with
from tests.support.store.recount import disagreements
from tests.support.store.rows import all_rows, clear_tables, put
from tests.support.traces.drawn_records import span_patches, span_records, trace_records
from tests.support.traces.records import T0, span, trace_record
from tests.support.waiting import wait_until
from tracer.records import Batch, ScoreRecord
from tracer.store.counters.read import list_mapping_counts
from tracer.store.deletion import purge
from tracer.store.scores import scores
from tracer.store.writing import delete as deleting
from tracer.store.writing.delete import Contents, delete_session, delete_trace, delete_traces
from tracer.store.writing.transaction import store
from tracer.store.writing.writer import DELETED, Writer


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.mark.usefixtures("context")
def test_nothing_is_left_in_any_table(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE), *full_trace("other"))
    before = tables_with(connection, GONE)
    assert {"traces", "spans", "span_payload_rows", "scores", "mapping_counts"} <= set(before)
    assert delete_trace("default", GONE)
    assert tables_with(connection, GONE) == []
    assert tables_with(connection, "other") == before
    assert disagreements(connection) == []
    assert not delete_trace("default", GONE)


@pytest.mark.usefixtures("context")
def test_a_span_of_another_trace_may_have_the_deleted_ones_id(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, *full_trace(GONE), span(GONE, trace="other"))
    assert delete_trace("default", GONE)
    (only,) = list_mapping_counts("default")
    assert only.examples == [("other", GONE)]
    assert disagreements(connection) == []


@pytest.mark.usefixtures("context")
def test_the_same_id_of_another_project_stays(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    put(connection, *full_trace(GONE), project="theirs")
    assert not delete_trace("nobody", GONE)
    assert delete_trace("default", GONE)
    kept = all_rows(connection)
    assert {row["project_id"] for rows in kept.values() for row in rows} == {"theirs"}
    assert len(kept["spans"]) == 4


@pytest.mark.usefixtures("context")
def test_a_session_is_deleted_with_its_traces_and_annotations(
    connection: psycopg.Connection[Any],
) -> None:
    on_session = ScoreRecord(
        score_id="s", name="mood", data_type="numeric", value=1, session_id="chat", time=T0
    )
    put(
        connection, *full_trace("t1"), *full_trace("t2"), *full_trace("t3", "elsewhere"), on_session
    )
    assert deleting.session_contents("default", "chat") == Contents(
        traces=2, spans=6, scores=3, comments=0, shares=0
    )
    assert delete_session("default", "chat")
    assert not delete_session("default", "chat")
    assert tables_with(connection, "chat") == []
    assert [row["trace_id"] for row in all_rows(connection)["traces"]] == ["t3"]
    assert disagreements(connection) == []


@pytest.mark.usefixtures("context")
def test_a_session_is_deleted_with_its_last_trace(connection: psycopg.Connection[Any]) -> None:
    on_session = ScoreRecord(
        score_id="s", name="mood", data_type="numeric", value=1, session_id="chat", time=T0
    )
    put(connection, *full_trace("t1"), *full_trace("t2"), on_session)
    delete_trace("default", "t1")
    assert [row["name"] for row in all_rows(connection)["scores"]] == ["mood", "helpful"]
    delete_trace("default", "t2")
    assert tables_with(connection, "chat") == []


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kept=st.lists(span_records() | span_patches() | trace_records(), max_size=4),
    gone=st.lists(span_records() | span_patches() | trace_records(), min_size=1, max_size=5),
)
def test_after_a_delete_the_rows_are_as_if_the_trace_had_never_arrived(
    app: Flask, connection: psycopg.Connection[Any], kept: list[Any], gone: list[Any]
) -> None:
    for item in gone:
        item.trace_id = GONE
    clear_tables(connection)
    connection.execute("TRUNCATE mapping_counts, tombstones")
    connection.commit()
    with app.app_context():
        if kept:
            put(connection, *copy.deepcopy(kept))
        without = all_rows(connection), mapping_counts()
        put(connection, *gone)
        connection.rollback()
        delete_traces(connection, "default", [GONE])
        assert (all_rows(connection), mapping_counts()) == without
        assert disagreements(connection) == []


def mapping_counts() -> dict[tuple[str, str], int]:
    return {(row.measure, row.value): row.number for row in list_mapping_counts("default")}


@pytest.mark.usefixtures("context")
def test_late_records_are_refused_and_their_neighbours_are_stored(
    connection: psycopg.Connection[Any], writer: Writer
) -> None:
    put(connection, *full_trace(GONE))
    delete_trace("default", GONE)
    batch = Batch(
        spans=[span("late", trace=GONE), span("fine", trace="new")],
        traces=[trace_record(trace=GONE, name="again")],
        scores=[score_record(GONE), score_record("new")],
    )
    refused = writer.write("default", batch)
    assert [(refusal.kind, refusal.index) for refusal in refused] == [
        ("spans", 0),
        ("traces", 0),
        ("scores", 0),
    ]
    assert {refusal.reason for refusal in refused} == {DELETED}
    assert tables_with(connection, GONE) == []
    assert [row["trace_id"] for row in all_rows(connection)["traces"]] == ["new"]
    assert writer.write("theirs", Batch(spans=[span("s", trace=GONE)])) == []


@pytest.mark.usefixtures("context")
def test_after_a_day_the_id_can_be_used_again(
    connection: psycopg.Connection[Any], writer: Writer
) -> None:
    put(connection, *full_trace(GONE))
    delete_trace("default", GONE)
    connection.execute("UPDATE tombstones SET deleted_at = deleted_at - interval '23 hours'")
    purge.expire_tombstones(connection)
    connection.commit()
    assert len(writer.write("default", Batch(spans=[span("late", trace=GONE)]))) == 1
    connection.execute("UPDATE tombstones SET deleted_at = deleted_at - interval '2 hours'")
    purge.expire_tombstones(connection)
    connection.commit()
    assert writer.write("default", Batch(spans=[span("late", trace=GONE)])) == []


@pytest.mark.usefixtures("context")
def test_an_interrupted_delete_hides_the_trace_and_is_finished_later(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    put(connection, *full_trace(GONE))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(purge, "purge_trace", cut)
        delete_trace("default", GONE)
    assert all_rows(connection)["traces"] == []
    # The process that deletes has a minute for it.
    assert purge.purge_pending(connection) == 0
    connection.execute("UPDATE tombstones SET deleted_at = deleted_at - interval '2 minutes'")
    connection.commit()
    assert purge.purge_pending(connection) == 1
    assert tables_with(connection, GONE) == []
    assert mapping_counts() == {}


@pytest.mark.usefixtures("context")
def test_a_delete_waits_for_a_writer_in_its_transaction(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, *full_trace(GONE))
    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        # Nested in an outer transaction, so that its locks are kept until the outer one ends.
        store(
            other,
            [
                (
                    "default",
                    Batch(spans=[span("more", trace=GONE)], scores=[score_record(GONE, "b")]),
                )
            ],
        )
        deleter = in_thread(connection.info.dsn, GONE)
        wait_until(lambda: waiting(connection) > 0)
    deleter.join(30)
    assert tables_with(connection, GONE) == []
    assert disagreements(connection) == []


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("late", ["spans", "scores"])
def test_a_writer_that_waits_for_a_delete_is_refused(
    connection: psycopg.Connection[Any], writer: Writer, late: str
) -> None:
    put(connection, *full_trace(GONE))
    refused: list[Any] = []
    item = span("late", trace=GONE) if late == "spans" else score_record(GONE, "late")
    batch = Batch(**{late: [item]})
    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        delete_traces(other, "default", [GONE])
        thread = threading.Thread(target=lambda: refused.extend(writer.write("default", batch)))
        thread.start()
        wait_until(lambda: waiting(connection) > 0)
    thread.join(30)
    assert [refusal.reason for refusal in refused] == [DELETED]
    assert tables_with(connection, GONE) == []


@pytest.mark.usefixtures("context")
def test_a_score_before_its_trace_is_refused_during_a_delete(
    connection: psycopg.Connection[Any],
) -> None:
    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        store(other, [("default", Batch(scores=[score_record(GONE)]))])
        # The trace comes and is deleted while its score is on its way.
        put(connection, *full_trace(GONE)[:4])
        deleter = in_thread(connection.info.dsn, GONE)
        wait_until(lambda: waiting(connection) > 0)
    deleter.join(30)
    assert tables_with(connection, GONE) == []


@pytest.mark.usefixtures("app")
@pytest.mark.usefixtures("context")
def test_of_a_writer_and_a_delete_one_wins_completely(
    connection: psycopg.Connection[Any], writer: Writer
) -> None:
    put(connection, *full_trace(GONE), *full_trace("other"))
    stop = threading.Event()

    def write(number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            late = span(f"{number}-{count}", trace=GONE)
            beside = span(f"{number}-{count}", trace="other")
            batch = Batch(spans=[late, beside], scores=[score_record(GONE, f"{number}-{count}")])
            refused = writer.write("default", batch)
            assert {refusal.index for refusal in refused} <= {0}

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(scores.list_scores("default", trace_id=GONE)) > 5)
    assert delete_trace("default", GONE)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert tables_with(connection, GONE) == []
    assert disagreements(connection) == []


def in_thread(dsn: str, trace_id: str) -> threading.Thread:
    """Delete a trace in a thread of its own."""

    def delete() -> None:
        with psycopg.connect(dsn) as own:
            delete_traces(own, "default", [trace_id])

    thread = threading.Thread(target=delete)
    thread.start()
    return thread


def waiting(connection: psycopg.Connection[Any]) -> int:
    """Return how many connections wait for a lock."""
    row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    connection.rollback()
    assert row is not None
    return int(row[0])
