"""Walking a sorted list, also one that grows, repeats and skips nothing."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.query.world import NOW, PROJECT, Row
from tracer.errors import Invalid
from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.database.paging import BadCursor
from tracer.store.database.session import driver
from tracer.store.query import sort_bound
from tracer.store.query.keyset import parse_sort, sort_text
from tracer.store.query.selection import ALL, Selection
from tracer.store.rollups.users import DAY, recount_users
from tracer.store.schema import scores, sessions, spans, text_due, trace_payloads, traces
from tracer.store.traces.selected_spans import list_selected_spans
from tracer.store.traces.sessions import list_sessions
from tracer.store.traces.traces import list_traces
from tracer.store.users.users import list_users
from tracer.times import to_micros

SORTS = [
    "",
    "id",
    "name",
    "latency",
    "cost",
    "-user",
    "-cost,name,-start",
    "user,-tokens",
    "-status,latency",
    "metadata.plan",
    "-score.helpful,-metadata.plan",
]


def add_trace(number: int, draw: random.Random) -> str:
    """Store a trace whose values are often equal to others' or missing; return its id."""
    start = NOW - timedelta(seconds=draw.randrange(5))
    key = {"project_id": PROJECT, "trace_id": f"t{number:03}"}
    row: Row = {
        **key,
        "name": draw.choice(["a", "b", ""]),
        "status": draw.choice(["completed", "error"]),
        "start_time": start,
        "end_time": start + timedelta(seconds=draw.randrange(3)),
        "user_id": draw.choice([None, "u1", "u2"]),
        "session_id": draw.choice([None, "s"]),
        "release": draw.choice([None, "1"]),
        "version": draw.choice([None, "2"]),
        "total_cost": draw.choice([None, Decimal("0.1"), Decimal(2)]),
        "error_count": draw.randrange(2),
    }
    for name in ("total_tokens", "input_tokens", "output_tokens"):
        row[name] = draw.choice([None, 0, 5])
    db.session.execute(traces.insert(), row)
    metadata = draw.choice([{}, {"plan": "pro"}, {"plan": "free", "seats": 3}])
    db.session.execute(trace_payloads.insert(), {**key, "metadata": metadata})
    db.session.execute(text_due.insert(), key)
    for value in draw.choice([[], [0.1], [0.25, 1]]):
        score = {**key, "score_id": f"{number}-{value}", "name": "helpful", "value": value}
        score |= {"data_type": "NUMERIC", "source": "API", "time": start}
        db.session.execute(scores.insert(), score)
    return str(row["trace_id"])


def walk(sort: str, grow: random.Random | None = None, *, selection: Selection = ALL) -> list[str]:
    """Return the ids of all pages from the first to the last."""
    ids: list[str] = []
    cursor, number = None, 500
    while True:
        page = list_traces(PROJECT, selection, cursor, 7, sort)
        ids += [row.trace_id for row in page.items]
        if page.older is None:
            return ids
        cursor = page.older
        if grow is not None:
            number += 1
            add_trace(number, grow)


@pytest.mark.parametrize("sort", SORTS)
def test_every_trace_of_the_beginning_is_listed_once_while_the_list_grows(
    app: Flask, sort: str
) -> None:
    draw = random.Random(sort)
    with app.app_context():
        first = {add_trace(number, draw) for number in range(40)}
        ids = walk(sort, draw)
        assert len(ids) == len(set(ids))
        assert first <= set(ids)
        db.session.rollback()


def add_span(number: int, draw: random.Random) -> str:
    """Store a span of a trace of its own, in a session and of a user of its own; return its id."""
    trace_id = add_trace(number, draw)
    start = NOW - timedelta(seconds=draw.randrange(5))
    end = draw.choice([None, start + timedelta(seconds=draw.randrange(3))])
    row: Row = {
        **{"project_id": PROJECT, "trace_id": trace_id, "span_id": f"s{number % 3}"},
        **{"kind": draw.choice(["tool", "span"]), "name": draw.choice(["a", "b"])},
        **{"start_time": start, "end_time": end, "status": "completed", "level": "default"},
        "total_cost": draw.choice([None, Decimal("0.1")]),
        "model": draw.choice([None, "m1", "m2"]),
    }
    db.session.execute(spans.insert(), row)
    session: Row = {
        **{"project_id": PROJECT, "session_id": trace_id, "start_time": start, "end_time": NOW},
        **{"trace_count": draw.randrange(3), "span_count": 1},
        "total_cost": draw.choice([None, Decimal(1)]),
    }
    db.session.execute(sessions.insert(), session)
    own = sa.update(traces).where(traces.c.project_id == PROJECT, traces.c.trace_id == trace_id)
    db.session.execute(own.values(session_id=trace_id, user_id=trace_id))
    recount_users(driver(), PROJECT, [(trace_id, to_micros(NOW) // DAY), (trace_id, 0)])
    return trace_id


@pytest.mark.parametrize(
    ("read", "field", "sort"),
    [
        *((list_selected_spans, "trace_id", sort) for sort in ("", "name,-cost", "latency,model")),
        *((list_sessions, "session_id", sort) for sort in ("", "-cost,traces", "latency")),
        *((list_users, "user_id", sort) for sort in ("", "-cost,errors", "-tokens")),
    ],
)
def test_other_lists_repeat_and_skip_nothing_while_they_grow(
    app: Flask, read: Any, field: str, sort: str
) -> None:
    draw = random.Random(sort)
    with app.app_context():
        first = {add_span(number, draw) for number in range(24)}
        ids: list[str] = []
        cursor, number = None, 500
        while cursor or not ids:
            page = read(PROJECT, ALL, cursor, 7, sort)
            ids += [getattr(row, field) for row in page.items]
            cursor, number = page.older, number + 1
            add_span(number, draw)
        assert len(ids) == len(set(ids))
        assert first <= set(ids)
        db.session.rollback()


@pytest.mark.parametrize("sort", SORTS)
def test_walking_back_shows_the_same_rows_in_the_same_order(app: Flask, sort: str) -> None:
    draw = random.Random(sort)
    with app.app_context():
        for number in range(20):
            add_trace(number, draw)
        forward = walk(sort)
        page = list_traces(PROJECT, ALL, None, 7, sort)
        while page.older is not None:
            page = list_traces(PROJECT, ALL, page.older, 7, sort)
        back = [row.trace_id for row in page.items]
        while page.newer is not None:
            page = list_traces(PROJECT, ALL, page.newer, 7, sort)
            back = [row.trace_id for row in page.items] + back
        assert back == forward
        db.session.rollback()


def test_rows_are_in_the_order_of_the_keys_and_rows_without_a_value_come_last(app: Flask) -> None:
    draw = random.Random(1)
    with app.app_context():
        for number in range(30):
            add_trace(number, draw)
        rows = list_traces(PROJECT, ALL, None, 50, "-cost,name").items
        keys = [(row.total_cost is None, -(row.total_cost or 0), row.name) for row in rows]
        assert keys == sorted(keys)
        assert {row.total_cost for row in rows} > {None}
        db.session.rollback()


@pytest.mark.parametrize("sort", SORTS)
def test_a_bound_of_the_first_sort_key_leaves_the_pages_as_they_are(
    app: Flask, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    draw = random.Random(sort)
    with app.app_context():
        for number in range(30):
            add_trace(number, draw)
        selection = Selection(parse("status:error OR has:user"))
        pages = walk(sort), walk(sort, selection=selection)
        monkeypatch.setattr(sort_bound, "MANY", 1)
        assert (walk(sort), walk(sort, selection=selection)) == pages
        db.session.rollback()


def test_a_sorted_list_shows_what_the_query_selects(app: Flask) -> None:
    draw = random.Random(2)
    with app.app_context():
        for number in range(30):
            add_trace(number, draw)
        ids = walk("-cost", selection=Selection(parse("status:error -has:user")))
        rows = list_traces(PROJECT, ALL, None, 50).items
        assert set(ids) == {r.trace_id for r in rows if r.status == "error" and not r.user_id}
        db.session.rollback()


def test_a_cursor_belongs_to_its_order_and_unknown_fields_are_refused(app: Flask) -> None:
    draw = random.Random(3)
    with app.app_context():
        for number in range(10):
            add_trace(number, draw)
        cursor = list_traces(PROJECT, ALL, None, 5, "-cost").older
        with pytest.raises(BadCursor):
            list_traces(PROJECT, ALL, cursor, 5, "cost")
        with pytest.raises(Invalid, match="did you mean `cost`"):
            list_traces(PROJECT, ALL, None, 5, "-csot")
        db.session.rollback()
    assert sort_text(parse_sort("-cost,cost,name", Grain.TRACE)) == "-cost,name"
