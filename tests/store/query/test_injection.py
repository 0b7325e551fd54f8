"""Hostile texts in queries are values: they change no statement and cross no project."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects import postgresql

from tests.support.query.world import NOW
from tracer.extensions import db
from tracer.query.fields import FIELDS, Field, Grain, Type
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.query.values import quoted
from tracer.store.query.compile import condition
from tracer.store.schema import sessions, spans, text_due, trace_payloads, traces

TABLES = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}
HOSTILE = [
    "'; DROP TABLE traces; --",
    "' OR '1'='1",
    "%s %(project_id)s %%",
    "$1 :name \\'",
    'x" OR 1=1 --',
    "*%_*",
]


def texts(field: Field) -> list[str]:
    """Return terms of the field with hostile values, and keys."""
    if field.type not in (Type.TEXT, Type.PROSE, Type.ANY):
        return []
    keys = [f".{quoted(value)}" for value in HOSTILE] if field.keyed else [""]
    return [f"{field.name}{key}:{quoted(value)}" for key in keys for value in HOSTILE]


@pytest.mark.parametrize("grain", TABLES)
def test_no_value_of_a_query_is_part_of_the_statement(app: Flask, grain: Grain) -> None:
    own = [text for field in FIELDS[grain] for text in texts(field)]
    words = [quoted(value) for value in HOSTILE]
    # The words of traces are compiled by what the database estimates of their frequency.
    with app.app_context():
        for text in (*own, *words):
            matching = condition(parse(text, grain), grain, TABLES[grain], Clock(NOW))
            statement = str(matching.compile(dialect=postgresql.dialect()))
            assert "DROP" not in statement
            assert "1=1" not in statement
    assert len(own) > 20


@pytest.mark.parametrize("grain", TABLES)
def test_hostile_values_select_nothing_and_harm_nothing(app: Flask, grain: Grain) -> None:
    table = TABLES[grain]
    with app.app_context():
        for field in FIELDS[grain]:
            for text in texts(field):
                matching = condition(parse(text, grain), grain, table, Clock(NOW))
                assert not db.session.execute(sa.select(table).where(matching)).all()


def test_rows_of_other_projects_never_match_through_spans_sessions_or_scores(app: Flask) -> None:
    with app.app_context():
        for project, name in (("a", "mine"), ("b", "other")):
            times = {"start_time": NOW, "end_time": NOW, "project_id": project}
            key = {"project_id": project, "trace_id": "t"}
            row = {**times, "trace_id": "t", "session_id": "s", "name": name, "status": "completed"}
            db.session.execute(traces.insert(), row)
            db.session.execute(trace_payloads.insert(), {**key, "metadata": {"of": name}})
            db.session.execute(text_due.insert(), key)
            span = {**key, "span_id": "x", "start_time": NOW, "kind": "tool", "level": "default"}
            db.session.execute(spans.insert(), {**span, "name": name, "status": "completed"})
            cost = 1 if project == "b" else 0
            db.session.execute(sessions.insert(), {**times, "session_id": "s", "total_cost": cost})
        for text in ("any(name:other)", "session(cost:>0)", "metadata.of:other", "name:other"):
            matching = condition(parse(text), Grain.TRACE, traces, Clock(NOW))
            query = sa.select(traces.c.project_id).where(matching)
            assert db.session.execute(query).scalars().all() == ["b"], text
        db.session.rollback()
