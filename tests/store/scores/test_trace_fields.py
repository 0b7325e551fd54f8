"""Scores hold the start and environment of their traces, or nothing of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.drawn_records import span_patches, span_records, trace_records
from tests.support.traces.records import T0, span, trace_record
from tracer.extensions import db
from tracer.measure.question import read_question
from tracer.records import ScoreRecord
from tracer.store.database.background_upgrade import read_progress
from tracer.store.database.session import transaction
from tracer.store.deletion import purge
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.measure.score_hours import needs_scores_alone
from tracer.store.rollups import score_hours
from tracer.store.scores import trace_fields
from tracer.store.scores.scores import delete_score
from tracer.store.writing.delete import delete_traces

FEW = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PROJECTS = ("default", "other")
DAY = {"since": "2023-11-14", "until": "2023-11-15", "buckets": 24}
WHOLE = {"grain": "scores", "since": "2020-01-01", "until": "2030-01-01"}
BY_HOUR: list[dict[str, Any]] = [
    {"group_by": ["score_name"], "buckets": 12},
    {"measure": "average", "field": "value", "group_by": ["score_name", "env"]},
    {"measure": "sum", "field": "value", "since": "2023-11-14T20:30", "until": "2023-11-14T22:45"},
    {"measure": "min", "field": "value", "query": "-env:default"},
    {"measure": "max", "field": "value", "since": "2023-11-14", "until": "2023-11-14"},
    {"measure": "ratio", "part": "env:default", "group_by": ["source"]},
    {"measure": "percentile", "field": "value", "percents": [50, 95], "group_by": ["score_name"]},
    {"shape": "histogram", "field": "value", "query": "env:live OR env:default"},
    {"measure": "average", "field": "value", "group_by": ["source"], "previous": True, **DAY},
]
BY_SCORE: list[dict[str, Any]] = [
    {"measure": "distinct", "field": "env"},
    {"group_by": ["value"], "query": "id:t OR start:>2023-11-14", "limit": 2},
    {
        "shape": "histogram",
        "field": "value",
        "since": "2023-11-14T22:10",
        "until": "2023-11-14T23:15",
    },
]
QUESTIONS = [*BY_HOUR, *BY_SCORE]
WRONG = """
    SELECT s.* FROM scores s LEFT JOIN traces t USING (project_id, trace_id)
    WHERE s.trace_start IS NOT NULL
        AND (s.trace_start, s.trace_environment) IS DISTINCT FROM (t.start_time, t.environment)
"""
FILLED = "SELECT score_id, trace_start, trace_environment FROM scores ORDER BY 1"
RECORDS: Any = span_records() | span_patches() | trace_records()


@st.composite
def drawn_scores(draw: st.DrawFn, trace_ids: list[str]) -> ScoreRecord:
    return score(
        draw(st.sampled_from("abc")),
        draw(st.sampled_from([*trace_ids, "never", None])),
        name=draw(st.sampled_from(["good", "fast", "é" * 400])),
        value=float(draw(st.integers(0, 3))),
        source=draw(st.sampled_from(["api", "annotation"])),
    )


def score(score_id: str, trace_id: str | None = "t", **fields: Any) -> ScoreRecord:
    return ScoreRecord(
        **{
            "score_id": score_id,
            "name": "good",
            "data_type": "numeric",
            "value": 1.0,
            "trace_id": trace_id,
            "session_id": None if trace_id else "s",
            "time": T0,
            **fields,
        }
    )


def answered(project: str, question: dict[str, Any]) -> Any:
    whole = read_question({**WHOLE, **question})
    assert needs_scores_alone(whole)
    made = answer(project, whole)
    rows = [
        (row.groups, row.percent, row.count, row.value, row.values, row.previous_values)
        for row in made.rows
    ]
    return rows, [(each.low, each.high, each.count) for each in made.bins], made.rest


def source(question: dict[str, Any]) -> str:
    return answer("default", read_question({**WHOLE, **question})).source


def check(
    connection: psycopg.Connection[Any], questions: Iterable[dict[str, Any]] = QUESTIONS
) -> None:
    """Compare what scores hold with their traces, and answers with those of a scan of traces."""
    assert connection.execute(WRONG).fetchall() == []
    connection.commit()
    for project in PROJECTS:
        for question in questions:
            alone = answered(project, question)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(answers, "scores_filled", lambda _: False)
                assert alone == answered(project, question), question
    db.session.rollback()


@FEW
@given(data=st.data())
def test_answers_after_random_histories_are_those_of_a_scan_of_traces(
    app: Flask, connection: psycopg.Connection[Any], data: st.DataObject
) -> None:
    clear_tables(connection)
    connection.execute("DELETE FROM tombstones")
    connection.commit()
    filler = trace_fields.Filler()
    records = data.draw(st.lists(RECORDS, min_size=1, max_size=8))
    ids = sorted({record.trace_id for record in records})
    items = data.draw(st.permutations([*records, *data.draw(st.lists(drawn_scores(ids)))]))
    with app.app_context():
        for item in items:
            put(connection, item, project=data.draw(st.sampled_from(PROJECTS)))
            if data.draw(st.integers(0, 5)) == 0:
                delete_traces(connection, "default", [data.draw(st.sampled_from(ids))])
                connection.execute("DELETE FROM tombstones")
                connection.commit()
            if data.draw(st.booleans()):
                filler.fill_some(connection)
            if data.draw(st.integers(0, 3)) == 0:
                with transaction():
                    delete_score("default", data.draw(st.sampled_from("abc")))
            if data.draw(st.booleans()):
                score_hours.recount_some(connection)
        check(connection, data.draw(st.permutations(QUESTIONS))[:3])
        while filler.fill_some(connection) or score_hours.recount_some(connection):
            pass
        check(connection)
        assert {source(question) for question in BY_HOUR} == {"rollup"}
        assert {source(question) for question in BY_SCORE} == {"scan"}


def filled(connection: psycopg.Connection[Any]) -> list[Any]:
    rows = connection.execute(FILLED).fetchall()
    connection.rollback()
    return [(score_id, start is not None, environment) for score_id, start, environment in rows]


def test_a_score_before_its_trace_is_filled_in_by_the_worker(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, score("early"), score("of a session", None), score("x" * 9, name="x" * 900))
    put(connection, span("root"), trace_record(environment="live"))
    put(connection, score("late"))
    nothing = [("of a session", False, None), ("xxxxxxxxx", False, None)]
    assert filled(connection) == [("early", False, None), ("late", True, "live"), *nothing]
    assert connection.execute(trace_fields.DUE).fetchone() is not None
    connection.commit()
    trace_fields.Filler().fill_some(connection)
    assert filled(connection) == [("early", True, "live"), ("late", True, "live"), *nothing]
    assert connection.execute(trace_fields.DUE).fetchone() is None
    connection.commit()
    put(connection, trace_record(environment="test", time=T0 + 10))
    assert {row[2] for row in filled(connection)} == {"test", None}
    assert connection.execute(WRONG).fetchall() == []


def test_a_writer_of_the_trace_and_one_of_its_score_never_leave_a_wrong_start(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    """The two transactions overlap in each order."""
    put(connection, span("root", start_time=T0 + 50))
    with psycopg.connect(database_url) as other:
        # The trace is being written: its score stays without, instead of waiting.
        with connection.transaction():
            connection.execute("SELECT FROM traces FOR UPDATE")
            put(other, score("while it is locked"))
            trace_fields.Filler().fill_some(other)
        assert filled(connection) == [("while it is locked", False, None)]
        # The score is being written: a change of its trace waits for it, and then changes it.
        with other.transaction():
            put(other, score("first"))
            with connection.transaction(), pytest.raises(psycopg.errors.LockNotAvailable):
                connection.execute("SET LOCAL lock_timeout = '10ms'")
                put(connection, span("earlier", "root", start_time=T0))
        # The trace arrives while its first score is being written.
        with other.transaction():
            put(other, score("of a new trace", "new"))
            put(connection, span("new root", trace="new"))
    put(connection, span("earlier", "root", start_time=T0))
    assert connection.execute(WRONG).fetchall() == []
    connection.commit()
    trace_fields.Filler().fill_some(connection)
    assert all(start for _, start, _ in filled(connection))
    assert connection.execute(WRONG).fetchall() == []


def test_scores_of_a_deleted_trace_do_not_count_until_they_are_purged(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, span("root"), score("one"))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(purge, "purge_trace", lambda *_: None)
        delete_traces(connection, "default", ["t"])
    assert filled(connection) == [("one", False, None)]
    with app.app_context():
        check(connection)
        assert answered("default", {})[0][0][2] == 0


def test_an_upgrade_corrects_what_an_older_server_left(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("root"), *(score(f"s{number}") for number in range(5)), score("n", "no"))
    connection.execute("UPDATE scores SET trace_environment = 'old' WHERE score_id < 's3'")
    connection.execute("UPDATE scores SET trace_start = NULL WHERE score_id = 's4'")
    connection.execute(
        "INSERT INTO background_upgrades (name, position, rows_total)"
        " VALUES ('scores', ARRAY['', '', ''], 6)"
    )
    connection.commit()
    assert connection.execute(trace_fields.UPGRADE.due).fetchone() is not None
    connection.commit()
    while trace_fields.upgrade_some(connection):
        assert read_progress(connection)["scores"].total == 6
        connection.commit()
    assert read_progress(connection) == {}
    assert connection.execute(WRONG).fetchall() == []
    assert sum(start for _, start, _ in filled(connection)) == 5
