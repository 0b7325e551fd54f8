"""Rollups are a recount of the stored traces at any moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.paths import ROOT
from tests.support.store.rows import clear_tables, put
from tests.support.traces.drawn_records import (
    log_event_patches,
    span_patches,
    span_records,
    trace_records,
)
from tests.support.traces.records import T0, span, trace_record
from tracer.store.rollups import count_traces, fold
from tracer.store.rollups.changes import RawChanges, add_changes
from tracer.store.rollups.stored import add_stored_trace
from tracer.store.rollups.sums import KEYED_SUMS, NUMBERS, SPAN, TRACE, MinuteSums, Series, Sums
from tracer.store.writing.delete import delete_traces

Known = dict[tuple[Series, int], dict[str, Any]]
SERIES = ("grain", "kind", "name", "environment", "model", "provider")
RECORDS: Any = span_records() | span_patches() | trace_records() | log_event_patches()
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def kept_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the fold keep minutes of any age, so that these can be compared."""
    monkeypatch.setattr(fold, "RETENTION_MINUTES", 60 * 24 * 365 * 100)


def plain(sums: Sums) -> dict[str, Any]:
    """Return the sums as values that compare, without zeros."""
    numbers = {name: getattr(sums, name) for name in NUMBERS if getattr(sums, name)}
    counts = {name: {k: n for k, n in getattr(sums, name).items() if n} for name in KEYED_SUMS}
    return {**numbers, **{name: each for name, each in counts.items() if each}}


def recount(connection: psycopg.Connection[Any], width: str = "m", *, whole: bool = False) -> Known:
    """Return the sums of all stored traces by series and minute, hour or day."""
    changes, minute_sums = RawChanges(), MinuteSums()
    with connection.transaction():
        for key in connection.execute("SELECT project_id, trace_id FROM traces").fetchall():
            add_stored_trace(connection, changes, key)
    if records := changes.encoded():
        add_changes(minute_sums, records)
    added: dict[tuple[Series, int], Sums] = defaultdict(Sums)
    for (minute, series), sums in minute_sums.rows():
        grain, kind, _, environment, model, _ = series
        if whole and grain not in (TRACE, SPAN):
            continue
        own = (grain, kind, None, environment, model, None) if whole else series
        added[own, minute - minute % fold.WIDTH_MINUTES[width]].merge(sums)
    return {key: plain(sums) for key, sums in added.items()}


def folded(connection: psycopg.Connection[Any], width: str = "m", *, whole: bool = False) -> Known:
    """Return the stored rollups of a width; users have days alone."""
    query = f"""
        SELECT s.grain, s.kind, s.name, s.environment, s.model, s.provider, r.* FROM rollups r
        JOIN rollup_series s USING (project_id, series)
        WHERE width = '{width}' AND s.whole = {whole}
    """
    return _read(connection, query)


def _read(connection: psycopg.Connection[Any], query: str) -> Known:
    with connection.transaction(), connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute(query.encode()).fetchall()
    known: Known = {}
    for row in rows:
        minute = int(row["start"].timestamp()) // 60
        series: Any = tuple(row[name] for name in SERIES)
        known[series, minute] = plain(fold.sums_of_row(row))
    return known


def fold_everything(connection: psycopg.Connection[Any]) -> None:
    while fold.fold(connection):
        pass


def without_users(known: Known) -> Known:
    return {key: sums for key, sums in known.items() if key[0][0] != "u"}


def clear(connection: psycopg.Connection[Any]) -> None:
    clear_tables(connection)
    for table in ("rollups", "rollup_series", "rollup_changes", "background_upgrades"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.commit()


@FEW
@given(data=st.data())
def test_rollups_of_random_histories_are_a_recount(
    connection: psycopg.Connection[Any], data: st.DataObject
) -> None:
    clear(connection)
    items = data.draw(st.lists(RECORDS, min_size=1, max_size=12))
    deleted = data.draw(st.sets(st.integers(0, len(items)), max_size=2))
    upgrades = data.draw(st.booleans())
    for number, item in enumerate(items):
        put(connection, item)
        if number in deleted:
            delete_traces(connection, "default", [item.trace_id])
            connection.execute("DELETE FROM tombstones")
            connection.commit()
        if upgrades and number == len(items) // 2:
            forget(connection)
        if data.draw(st.booleans()):
            fold_everything(connection)
        if upgrades and number >= len(items) // 2 and data.draw(st.booleans()):
            count_traces.count_some(connection)
    while count_traces.count_some(connection):
        pass
    fold_everything(connection)
    check(connection)


def check(connection: psycopg.Connection[Any]) -> None:
    """Compare all rollups with a recount of the stored traces."""
    assert folded(connection) == without_users(recount(connection))
    for width in "hd":
        own = recount(connection, width)
        assert folded(connection, width) == (own if width == "d" else without_users(own))
        assert folded(connection, width, whole=True) == recount(connection, width, whole=True)


def forget(connection: psycopg.Connection[Any]) -> None:
    """Make the database one from before the rollups, all of whose traces have to be counted."""
    for table in ("rollups", "rollup_series", "rollup_changes"):
        connection.execute(f"DELETE FROM {table}".encode())
    connection.execute(
        "INSERT INTO background_upgrades (name, position, rows_total)"
        " VALUES ('rollups', ARRAY['', ''], 1)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position, finished_at = NULL"
    )
    connection.commit()


def test_rollups_are_a_recount_while_writers_and_the_fold_run(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    done = threading.Event()

    def write(writer: int) -> None:
        with psycopg.connect(database_url) as own:
            for number in range(30):
                trace = f"t{number % 7}"
                put(own, span(f"{writer}-{number}", trace=trace, name=f"n{number % 3}"))
                if number % 5 == 0:
                    put(
                        own,
                        trace_record(trace=trace, version=T0 + number, environment=f"e{writer}"),
                    )

    def keep_folding() -> None:
        with psycopg.connect(database_url) as own:
            while not done.is_set():
                fold.fold(own)

    folding = threading.Thread(target=keep_folding)
    writers = [threading.Thread(target=write, args=[number]) for number in range(3)]
    for thread in (folding, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    folding.join()
    fold_everything(connection)
    assert len(recount(connection)) > 3
    check(connection)


WRITE_OR_FOLD = """
import sys, itertools, psycopg
from tests.support.store.rows import put
from tests.support.traces.records import span
from tracer.store.rollups import fold
with psycopg.connect(sys.argv[1]) as connection:
    for number in itertools.count():
        if sys.argv[2] == "fold":
            fold.RETENTION_MINUTES = 10**9
            fold.fold(connection)
        else:
            put(connection, span(f"s{number}", trace=f"{sys.argv[2]}{number % 5}"))
        print(number, flush=True)
"""


def test_rollups_are_a_recount_after_a_writer_and_the_fold_were_killed(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    for attempt in range(2):
        command = [sys.executable, "-c", WRITE_OR_FOLD, database_url]
        started = [
            subprocess.Popen([*command, role], stdout=subprocess.PIPE, cwd=ROOT)
            for role in ("fold", f"w{attempt}")
        ]
        for process in started:
            assert process.stdout is not None
            while process.stdout.readline() != b"5\n":
                pass
        for process in started:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    fold_everything(connection)
    assert len(recount(connection)) > 3
    check(connection)


def test_minutes_are_forgotten_after_two_days(
    connection: psycopg.Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, span("a"))
    fold_everything(connection)
    assert len(folded(connection)) == 2
    monkeypatch.undo()
    put(connection, span("b"))
    fold.fold_all(database_url, lambda: False)
    assert folded(connection) == {}
    assert folded(connection, "h") == without_users(recount(connection, "h"))


def test_what_servers_of_the_version_before_append_is_added(
    connection: psycopg.Connection[Any],
) -> None:
    minute = T0 // 60_000_000
    row = {"minute": minute, "grain": "s", "environment": "default", "kind": "span", "name": "a"}
    row |= {"rows": 2, "latency": 3_000_000, "latencies": [(2_000 << 40) + 2]}
    connection.execute(
        "INSERT INTO rollup_deltas (project_id, sums) VALUES ('default', %s)", [json.dumps([row])]
    )
    connection.commit()
    fold_everything(connection)
    series = ("s", "span", "a", "default", None, None)
    sums = {"rows": 2, "latency": 3_000_000, "latencies": {2_000: 2}}
    assert folded(connection)[series, minute] == sums
