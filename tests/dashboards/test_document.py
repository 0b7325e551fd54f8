"""Documents of dashboards: read, checked, asked with variables; the library that comes along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracer.dashboards.document import (
    Dashboard,
    Tile,
    check_tile,
    range_of,
    read_dashboard,
    read_tile,
    write_dashboard,
)
from tracer.dashboards.library import READY, ready
from tracer.dashboards.tile_questions import Frame, column_question, of_grain, question_of
from tracer.dashboards.variables import substituted
from tracer.errors import Invalid
from tracer.measure.question import Question
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.printing import to_text

DOCUMENT: dict[str, Any] = {
    "name": "Exports",
    "range": "-24h",
    "query": "env:$env",
    "variables": [{"name": "env", "field": "env", "value": "production"}],
    "tiles": [
        {
            "title": "Errors",
            "chart": "bar",
            "width": "third",
            "question": {"query": "status:error release:$release", "group_by": ["name"]},
        }
    ],
}


def test_a_document_is_read_and_written_unchanged() -> None:
    assert json.loads(json.dumps(write_dashboard(read_dashboard(DOCUMENT)))) == DOCUMENT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"range": "7 days"}, "range"),
        ({"unknown": 1}, "document"),
        ({"variables": [{"name": "A b", "field": "env"}]}, "variables[0].name"),
        ({"variables": [{"name": "a", "field": "env"}] * 2}, "variables"),
        ({"tiles": [{"title": "x", "question": {}, "chart": "pie"}]}, "tiles[0].chart"),
        ({"tiles": [{"title": "x", "question": {"limit": 0}}]}, "tiles[0].question.limit"),
    ],
)
def test_a_wrong_document_is_refused_with_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_dashboard({**DOCUMENT, **change})
    assert [refusal.field for refusal in caught.value.item_errors] == [field]


@pytest.mark.parametrize(
    ("tile", "field"),
    [
        ({"question": {"query": "latncy:>2s"}}, "query"),
        ({"question": {"measure": "sum"}}, "field"),
        ({"question": {}, "chart": "histogram"}, "chart"),
        (
            {"question": {"group_by": ["name"]}, "columns": [{"heading": "x", "question": {}}]},
            "columns",
        ),
    ],
)
def test_a_tile_that_cannot_be_answered_names_its_field(tile: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_tile(read_tile({"title": "t", **tile}))
    assert [refusal.field for refusal in caught.value.item_errors] == [field]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("status:error release:$release", {"release": "v 2"}, 'status:error release:"v 2"'),
        ("status:error release:$release", {"release": ""}, "status:error"),
        ("-user:$user", {"user": ""}, ""),
        ("-user:$user", {"user": "bot"}, "-user:bot"),
        ("(name:a OR user:$user) tag:x", {"user": ""}, "tag:x"),
        ("any(kind:tool name:$tool)", {"tool": "a) OR (b"}, 'any(kind:tool name:"a) OR (b")'),
        ("any(name:$tool) tag:x", {"tool": ""}, "tag:x"),
        ("session(user:$user)", {"user": "u"}, "session(user:u)"),
        ("release:$other", {"release": "v2"}, "release:$other"),
    ],
)
def test_variables_become_values_and_never_terms(
    text: str, values: dict[str, str], expected: str
) -> None:
    assert to_text(substituted(parse(text), values)) == expected


def test_a_query_on_traces_is_asked_of_other_rows() -> None:
    node = parse("env:production name:support* -release:v1")
    spans = to_text(of_grain(node, Grain.SPAN))
    assert spans == "env:production -release:v1 trace(name:support*)"
    assert to_text(of_grain(node, Grain.SESSION)) == (
        "trace(env:production name:support* -release:v1)"
    )
    assert of_grain(node, Grain.TRACE) == node


def test_a_tile_is_asked_with_the_time_and_query_of_its_dashboard() -> None:
    tile = read_dashboard(DOCUMENT).tiles[0]
    frame = Frame("2026-11-01..2026-11-07", "env:$env", {"env": "dev", "release": ""})
    question = question_of(tile, frame)
    assert (question.since, question.until) == ("2026-11-01", "2026-11-07")
    assert question.query == "status:error env:dev"
    assert (question.buckets, question.previous) == (60, False)
    number = Tile(title="n", chart="number", question=Question(measure="count"))
    assert question_of(number, frame).previous


def test_further_columns_of_a_table_are_asked_of_its_rows_alone() -> None:
    frame = Frame("-7d", "", {})
    question = column_question(Question(group_by=("user",)), frame, ["ann", "b c"])
    assert question.query == 'user:ann,"b c"'


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("-7d", ("-7d", "now")),
        ("yesterday", ("yesterday", "yesterday")),
        ("2026-11", ("2026-11", "2026-11")),
        ("2026-11-01T10:00..now", ("2026-11-01T10:00", "now")),
    ],
)
def test_a_range_of_time(text: str, period: tuple[str, str]) -> None:
    assert range_of(text) == period


@pytest.mark.parametrize("name", READY)
def test_the_library_is_made_of_documents_that_can_be_asked(name: str) -> None:
    dashboard = ready(name)
    assert isinstance(dashboard, Dashboard)
    assert dashboard.tiles
    values = {variable.name: "value" for variable in dashboard.variables}
    assert "$" not in to_text(substituted(parse(dashboard.query), values))
    for tile in dashboard.tiles:
        check_tile(tile)
    assert read_dashboard(write_dashboard(dashboard)) == dashboard


def test_other_names_are_not_in_the_library() -> None:
    assert ready("../library/home") is None
