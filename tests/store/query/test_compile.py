"""Queries compiled to SQL select what the evaluation in memory selects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.query import world as worlds
from tests.support.query.evaluator import Evaluator
from tests.support.query.strategies import TEXTS, nodes, terms
from tracer.extensions import db
from tracer.query.fields import FIELDS, Grain, field_of
from tracer.query.filters import period_match
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import Node, Words
from tracer.store.query.compile import condition, sources_of
from tracer.store.query.matches import scalar_condition
from tracer.store.query.steps import in_steps
from tracer.store.schema import sessions, spans, traces

CLOCK = Clock(worlds.NOW, ZoneInfo("Europe/Berlin"))
TABLES = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}
IDS = {Grain.TRACE: "trace_id", Grain.SPAN: "span_id", Grain.SESSION: "session_id"}
FEW = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def selected(node: Node, grain: Grain) -> set[str]:
    """Return the ids that the SQL selects."""
    table = TABLES[grain]
    query = sa.select(table.c[IDS[grain]]).where(
        table.c.project_id == worlds.PROJECT, condition(node, grain, table, CLOCK)
    )
    if grain is Grain.SPAN:
        query = query.where(~table.c.placeholder)
    ids = set(db.session.execute(query).scalars())
    if grain is Grain.TRACE:
        assert ids == selected_in_steps(node), to_text(node)
    return ids


def selected_in_steps(node: Node) -> set[str]:
    """Return the ids of the traces that a list selects in two steps."""
    chosen, verified = in_steps(node, traces, CLOCK)
    rows = sa.select(traces).where(traces.c.project_id == worlds.PROJECT, chosen)
    candidates = rows.subquery()
    query = sa.select(candidates.c.trace_id)
    return set(db.session.scalars(query if verified is None else query.where(verified(candidates))))


def expected(node: Node, grain: Grain, world: worlds.World) -> set[str]:
    """Return the ids that the evaluation in memory selects."""
    evaluator = Evaluator(world, CLOCK)
    rows = getattr(world, TABLES[grain].name)
    return {
        row[IDS[grain]]
        for row in rows
        if not row.get("placeholder") and evaluator.matches(node, grain, row)
    }


@pytest.mark.parametrize("grain", TABLES)
@FEW
@given(data=st.data(), world=worlds.worlds())
def test_random_queries_select_from_random_databases_what_the_evaluation_selects(
    app: Flask, grain: Grain, data: st.DataObject, world: worlds.World
) -> None:
    with app.app_context():
        worlds.store(world)
        for node in data.draw(st.lists(nodes(grain, words=False), min_size=5, max_size=12)):
            assert selected(node, grain) == expected(node, grain, world), to_text(node)
        db.session.rollback()


@pytest.mark.parametrize("seconds", [1, 10, 60, 90, 3600, 86_400])
@given(start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)), part=st.floats(0, 1))
# Where the clocks of Berlin go back an hour, and forward.
@example(datetime(2026, 10, 25, 0), 0.5)
@example(datetime(2026, 10, 25, 0, 59), 0.5)
@example(datetime(2026, 10, 25, 1), 0.5)
@example(datetime(2026, 3, 29, 1), 0.5)
@settings(FEW, max_examples=20)
def test_every_moment_of_a_bar_is_in_the_range_that_the_bar_links_to(
    app: Flask, seconds: int, start: datetime, part: float
) -> None:
    first = start.replace(microsecond=0, tzinfo=UTC)
    width = timedelta(seconds=seconds)
    if seconds % 60 == 0:
        first = first.replace(second=0)
    field = field_of(Grain.TRACE, "start")
    assert field is not None
    inside = min(first + width * part, first + width - timedelta(microseconds=1))
    match = period_match(first, first + width, CLOCK)
    with app.app_context():
        for time, expected in ((inside, True), (first + width, False), (first, True)):
            condition_of_time = scalar_condition(field, sa.literal(time), [match], CLOCK)
            assert db.session.scalar(sa.select(condition_of_time)) is expected
        db.session.rollback()


@pytest.mark.parametrize("grain", TABLES)
@settings(FEW, max_examples=6)
@given(data=st.data(), world=worlds.worlds())
def test_every_operator_of_every_field_agrees_with_the_evaluation(
    app: Flask, grain: Grain, data: st.DataObject, world: worlds.World
) -> None:
    with app.app_context():
        worlds.store(world)
        for node in data.draw(st.lists(terms(grain), min_size=20, max_size=40)):
            assert selected(node, grain) == expected(node, grain, world), to_text(node)
        db.session.rollback()


@pytest.mark.parametrize("grain", [Grain.SPAN, Grain.SESSION])
@settings(FEW, max_examples=6)
@given(words=st.lists(TEXTS.filter(str.strip).map(Words), min_size=5), world=worlds.worlds())
def test_words_are_found_in_the_texts_of_spans_and_sessions(
    app: Flask, grain: Grain, words: list[Words], world: worlds.World
) -> None:
    with app.app_context():
        worlds.store(world)
        for node in words:
            assert selected(node, grain) == expected(node, grain, world), node.text
        db.session.rollback()


@pytest.mark.parametrize("name", ["input", "output"])
def test_a_star_finds_the_spans_that_have_the_text_even_an_empty_one(app: Flask, name: str) -> None:
    star = parse(f"{name}:*", Grain.SPAN)
    texts = {"absent": None, "empty": "", "full": "a"}
    world = worlds.World(
        traces=[worlds.bare_trace(f"of {text}") for text in texts],
        spans=[
            {**worlds.bare_span(f"of {text}", text), name: value} for text, value in texts.items()
        ],
    )
    any_star = parse(f"any({name}:*)", Grain.TRACE)
    with app.app_context():
        worlds.store(world)
        assert selected(star, Grain.SPAN) == {"empty", "full"}
        assert expected(star, Grain.SPAN, world) == {"empty", "full"}
        assert selected(any_star, Grain.TRACE) == {"of empty", "of full"}
        assert expected(any_star, Grain.TRACE, world) == {"of empty", "of full"}
        assert selected(parse(f"-{name}:*", Grain.SPAN), Grain.SPAN) == {"absent"}
        db.session.rollback()


@pytest.mark.parametrize("value", ["a", 0, False, "", [], {"b": 1}])
def test_a_star_finds_the_traces_whose_metadata_has_the_key_with_any_value(
    app: Flask, value: object
) -> None:
    star = parse('metadata."my key":*', Grain.TRACE)
    world = worlds.World(
        traces=[
            {**worlds.bare_trace("with"), "metadata": {"my key": value}},
            {**worlds.bare_trace("null"), "metadata": {"my key": None}},
            {**worlds.bare_trace("without"), "metadata": {"other": value}},
        ]
    )
    with app.app_context():
        worlds.store(world)
        assert selected(star, Grain.TRACE) == {"with"}
        assert expected(star, Grain.TRACE, world) == {"with"}
        db.session.rollback()


@pytest.mark.parametrize("grain", Grain)
def test_every_field_has_a_source(grain: Grain) -> None:
    table = TABLES.get(grain)
    if table is None:
        return
    names = {field.name for field in FIELDS[grain]} - {"has"}
    assert set(sources_of(grain, table)) == names
