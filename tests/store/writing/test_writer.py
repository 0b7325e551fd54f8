"""Group commit: neighbouring requests, unstorable items, overload, an unreachable database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.store.recount import disagreements
from tests.support.store.rows import table_rows, trace_rows
from tests.support.traces.records import T0, span, trace_record
from tests.support.waiting import wait_until
from tracer.errors import Overloaded, StoreUnavailable
from tracer.records import Batch
from tracer.store.writing import writer as writer_module
from tracer.store.writing.locked_traces import MAX_WAITING
from tracer.store.writing.writer import Rejected, Writer

# PostgreSQL has no text with a NUL in it: what reaches the store with one is refused there.
POISON = "nul \x00 byte"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


@pytest.fixture
def own_writer(engine: sa.Engine) -> Iterator[Writer]:
    made = Writer(engine)
    yield made
    made.close()


def in_threads(*calls: Any) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_an_unstorable_item_is_refused_by_its_index_and_its_neighbours_are_stored(
    own_writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    batch = Batch(
        spans=[span("a"), span("b", name=POISON), span("c")], traces=[trace_record(user_id="u")]
    )
    (rejected,) = own_writer.write("default", batch)
    assert (rejected.kind, rejected.index) == ("spans", 1)
    assert "NUL" in rejected.reason or "0x00" in rejected.reason
    assert [row["span_id"] for row in table_rows(connection, "spans")] == ["a", "c"]
    assert trace_rows(connection)[0]["user_id"] == "u"


def test_a_request_that_shares_a_commit_with_a_failing_one_is_stored(
    own_writer: Writer, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "THREADS", 1)
    results: dict[str, list[Rejected]] = {}

    def send(trace: str, **fields: Any) -> None:
        results[trace] = own_writer.write(
            "default", Batch(spans=[span("a", trace=trace, **fields)])
        )

    # While somebody else holds the first trace, the others gather in the queue and so share
    # the next transaction.
    with psycopg.connect(connection.info.dsn) as holder:
        own_writer.write("default", Batch(spans=[span("held", trace="held")]))
        holder.execute("SELECT FROM traces FOR UPDATE")
        threads = [threading.Thread(target=send, args=("held",))]
        threads[0].start()
        wait_until(lambda: not own_writer._queue and own_writer._waiting == 1)
        threads += [
            threading.Thread(target=send, args=("good",)),
            threading.Thread(target=send, args=("bad",), kwargs={"input": POISON, "name": POISON}),
            threading.Thread(target=send, args=("fine",)),
        ]
        for thread in threads[1:]:
            thread.start()
        wait_until(lambda: len(own_writer._queue) == 3)
        holder.rollback()
    for thread in threads:
        thread.join(timeout=30)
    assert results["good"] == results["fine"] == results["held"] == []
    assert [(refusal.kind, refusal.index) for refusal in results["bad"]] == [("spans", 0)]
    assert {row["trace_id"] for row in trace_rows(connection)} == {"held", "good", "fine"}


def test_eight_writers_on_the_same_traces_lose_and_repeat_nothing(
    engine: sa.Engine, connection: psycopg.Connection[Any]
) -> None:
    writers = [Writer(engine) for _ in range(8)]

    def send(number: int) -> None:
        for turn in range(12):
            trace = f"t{turn % 3}"
            mine = span(
                f"w{number}-{turn}",
                f"w{(number + 1) % 8}-{turn}",
                trace=trace,
                start_time=T0 + turn,
                usage={"input": 1},
            )
            shared = span("shared", trace=trace, start_time=T0 - turn, level="error")
            record = trace_record(trace=trace, session_id=f"s{number % 2}", version=T0 + number)
            failed = writers[number].write("default", Batch(spans=[mine, shared], traces=[record]))
            assert failed == []

    in_threads(*[lambda number=number: send(number) for number in range(8)])
    for made in writers:
        made.close()
    traces = trace_rows(connection)
    assert [row["span_count"] for row in traces] == [33, 33, 33]
    assert [row["session_id"] for row in traces] == ["s1"] * 3
    assert disagreements(connection) == []


def test_two_projects_may_have_the_same_trace_id(
    own_writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    own_writer.write("default", Batch(spans=[span("a", name="mine")]))
    own_writer.write("other", Batch(spans=[span("a", name="theirs"), span("b", "a")]))
    traces = {row["project_id"]: row for row in trace_rows(connection)}
    assert (traces["default"]["name"], traces["default"]["span_count"]) == ("mine", 1)
    assert (traces["other"]["name"], traces["other"]["span_count"]) == ("theirs", 2)


def test_a_full_queue_refuses_at_once_and_accepts_again_when_it_has_drained(
    engine: sa.Engine, connection: psycopg.Connection[Any]
) -> None:
    small = Writer(engine, max_queue_spans=2)
    small.write("default", Batch(spans=[span("a")]))
    with psycopg.connect(connection.info.dsn) as holder:
        holder.execute("SELECT FROM traces FOR UPDATE")
        waiting = threading.Thread(target=small.write, args=("default", Batch(spans=[span("b")])))
        waiting.start()
        wait_until(lambda: small._waiting == 1)
        with pytest.raises(Overloaded):
            small.write("default", Batch(spans=[span("c"), span("d")]))
        holder.rollback()
    waiting.join(timeout=30)
    assert small.write("default", Batch(spans=[span("c"), span("d")])) == []
    small.close()


def test_a_lost_connection_is_replaced_and_the_batch_is_stored(
    own_writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    own_writer.write("default", Batch(spans=[span("a")]))
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name <> 'reset_database'"
    )
    connection.commit()
    assert own_writer.write("default", Batch(spans=[span("b")])) == []
    assert len(table_rows(connection, "spans")) == 2


def test_an_unreachable_database_is_reported_and_nothing_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.2)
    nowhere = Writer(sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    with pytest.raises(StoreUnavailable, match="can't write"):
        nowhere.write("default", Batch(spans=[span("a")]))
    nowhere.close()


def test_closing_stores_the_queue_and_accepts_no_more(
    engine: sa.Engine, connection: psycopg.Connection[Any]
) -> None:
    closing = Writer(engine)
    closing.write("default", Batch(spans=[span("a")]))
    closing.close()
    with pytest.raises(StoreUnavailable):
        closing.write("default", Batch(spans=[span("b")]))
    assert [row["span_id"] for row in table_rows(connection, "spans")] == ["a"]


def test_a_locked_trace_delays_no_other_and_its_writers_are_refused(
    own_writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    own_writer.write("default", Batch(spans=[span("first", trace="held")]))
    refused: list[StoreUnavailable] = []

    def send_to_locked(number: int) -> None:
        with pytest.raises(StoreUnavailable, match="locked") as error:
            own_writer.write("default", Batch(spans=[span(f"s{number}", trace="held")]))
        refused.append(error.value)

    with psycopg.connect(connection.info.dsn) as holder:
        holder.execute("SELECT FROM traces FOR UPDATE")
        threads = [threading.Thread(target=send_to_locked, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(refused) == 16 - MAX_WAITING, "refusals of those who need not wait")
        started = time.monotonic()
        for n in range(20):
            assert own_writer.write("default", Batch(spans=[span("a", trace=f"free{n}")])) == []
        assert time.monotonic() - started < 5
        for thread in threads:
            thread.join(timeout=30)
    assert len(refused) == 16
    assert own_writer.write("default", Batch(spans=[span("again", trace="held")])) == []


def test_writes_of_a_locked_trace_are_stored_once_it_is_free(
    own_writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    own_writer.write("default", Batch(spans=[span("first", trace="held")]))

    def send(number: int) -> None:
        assert own_writer.write("default", Batch(spans=[span(f"s{number}", trace="held")])) == []

    threads = [threading.Thread(target=send, args=(n,)) for n in range(MAX_WAITING)]
    with psycopg.connect(connection.info.dsn) as holder:
        holder.execute("SELECT FROM traces FOR UPDATE")
        for thread in threads:
            thread.start()
        wait_until(lambda: own_writer._locked.seconds_to_retry() is not None)
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    stored = {row["span_id"] for row in table_rows(connection, "spans")}
    assert stored == {"first", *(f"s{n}" for n in range(MAX_WAITING))}
    assert own_writer._waiting == 0
    assert disagreements(connection) == []


def test_a_full_queue_refuses_further_batches_and_stores_the_waiting_ones(
    engine: sa.Engine, connection: psycopg.Connection[Any]
) -> None:
    writer = Writer(engine, max_queue_spans=20)
    writer.write("default", Batch(spans=[span("first", trace="held")]))
    outcomes: list[str] = []

    def send(number: int) -> None:
        try:
            writer.write(
                "default", Batch(spans=[span(f"s{number}-{n}", trace="held") for n in range(10)])
            )
            outcomes.append("stored")
        except Overloaded:
            outcomes.append("refused")

    with psycopg.connect(connection.info.dsn) as holder:
        holder.execute("SELECT FROM traces FOR UPDATE")
        threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: outcomes.count("refused") == 6, "refusals of what does not fit")
    for thread in threads:
        thread.join(timeout=30)
    writer.close()
    assert sorted(outcomes) == ["refused"] * 6 + ["stored"] * 2
