"""Facets always equal a recount of the rows that a query selects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.query import world as worlds
from tests.support.query.evaluator import Evaluator
from tests.support.query.strategies import nodes
from tracer.extensions import db
from tracer.query.fields import Grain, field_of
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import Equal, Node, Term
from tracer.store.query.facets import FACETS, MAX_VALUES, SPAN_FACETS, count_facets
from tracer.store.query.ranges import RANGES, range_texts
from tracer.store.query.score_facet import count_scores
from tracer.store.query.selection import Selection

CLOCK = Clock(worlds.NOW)
FIELDS = {Grain.TRACE: FACETS, Grain.SPAN: SPAN_FACETS, Grain.SESSION: FACETS}
ROWS = {Grain.TRACE: "traces", Grain.SPAN: "spans", Grain.SESSION: "sessions"}


def values_of(row: worlds.Row, column: str) -> set[str]:
    """Return the values that a row has in a column: several of a list or of an object's keys."""
    value = row.get(column)
    values: Iterable[str] = value if isinstance(value, list | dict) else [value or ""]
    return {text for text in values if text}


def recount(world: worlds.World, grain: Grain, rows: list[worlds.Row]) -> dict[str, Counter[str]]:
    """Return how many rows have each value, by field; a session has those of its traces."""
    counts: dict[str, Counter[str]] = {}
    for field, column in FIELDS[grain].items():
        counts[field] = Counter()
        for row in rows:
            own = [row]
            if grain is Grain.SESSION:
                own = [t for t in world.traces if t["session_id"] == row["session_id"]]
            counts[field].update(set().union(*(values_of(one_row, column) for one_row in own)))
    return counts


def recount_scores(world: worlds.World, evaluator: Evaluator, node: Node) -> None:
    """Check the facet of scores whose name has one type of value."""
    types = {name: set[str]() for name in {score["name"] for score in world.scores}}
    for score in world.scores:
        types[score["name"]].add(score["data_type"])
    both = [row for row in world.traces if evaluator.matches(node, Grain.TRACE, row)]
    for name, value, count in count_scores(worlds.PROJECT, Selection(node, CLOCK)):
        like = parse(f"score.any:{value if value in ('<0.5', '>=0.5') else 0}", Grain.TRACE)
        assert isinstance(like, Term)
        matches = like.matches if value in ("<0.5", ">=0.5") else (Equal(value),)
        term = replace(like, key=name, matches=matches)
        matching = [row for row in both if evaluator.matches(term, Grain.TRACE, row)]
        if len(types[name]) == 1:
            assert count == len(matching), (to_text(node), name, value)


@pytest.mark.parametrize("grain", FIELDS)
@settings(
    max_examples=8,
    # Shrinking takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), world=worlds.worlds())
def test_facets_equal_a_recount_of_what_a_random_query_selects(
    app: Flask, grain: Grain, data: st.DataObject, world: worlds.World
) -> None:
    with app.app_context():
        worlds.store(world)
        evaluator = Evaluator(world, CLOCK)
        for node in data.draw(st.lists(nodes(grain, words=False), min_size=2, max_size=4)):
            rows = [
                row
                for row in getattr(world, ROWS[grain])
                if not row.get("placeholder") and evaluator.matches(node, grain, row)
            ]
            numbers = [field for field in RANGES if field_of(grain, field) is not None]
            fields = [*FIELDS[grain], *numbers]
            shown = count_facets(worlds.PROJECT, Selection(node, CLOCK), fields, grain)
            assert (shown.rows, shown.partial) == (len(rows), False), to_text(node)
            for field, counts in recount(world, grain, rows).items():
                values = dict(shown.values[field])
                # Of more values than a facet shows, those that it shows are the most frequent.
                assert len(values) == min(MAX_VALUES, len(counts)), to_text(node)
                assert all(counts[text] == count for text, count in values.items()), field
            for field in numbers:
                terms = {text: parse(f"{field}:{text}", grain) for text in range_texts(field)}
                counts = Counter(
                    text
                    for text, term in terms.items()
                    for row in rows
                    if evaluator.matches(term, grain, row)
                )
                assert dict(shown.values[field]) == counts, to_text(node)
            if grain is Grain.TRACE:
                recount_scores(world, evaluator, node)
        db.session.rollback()
