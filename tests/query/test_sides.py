"""Queries of the other side of a comparison, and of attributes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tracer.query.derived import sides
from tracer.query.derived.attributes import attribute_query, queried_fields, threshold_query
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.query.printing import to_text

NOW = Clock(datetime(2026, 11, 23, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("status:error", "-status:error"),
        ("-env:dev", "env:dev"),
        ("start:>-24h status:error name:a", "start:>-24h -(status:error name:a)"),
        ("status:error OR name:a", "-(status:error OR name:a)"),
        ("start:>-24h", None),
        ("", None),
    ],
)
def test_the_rest_is_what_the_query_leaves_out_of_its_time(query: str, rest: str | None) -> None:
    node = sides.rest(parse(query, Grain.TRACE))
    assert (to_text(node) if node else None) == rest


@pytest.mark.parametrize(
    ("query", "before"),
    [
        ("start:>-24h", "start:>=2026-11-21T15:00:00.000000Z start:<2026-11-22T15:00:00.000000Z"),
        (
            "start:>-3h start:<=-2h name:a",
            "start:>=2026-11-23T11:00:00.000000Z start:<2026-11-23T12:00:00.000000Z name:a",
        ),
        (
            "start:yesterday",
            "start:>=2026-11-21T00:00:00.000000Z start:<2026-11-22T00:00:00.000000Z",
        ),
        ("start:<-1h", None),
        ("name:a", None),
    ],
)
def test_the_period_before_is_as_long(query: str, before: str | None) -> None:
    node = sides.previous_period(parse(query, Grain.TRACE), NOW)
    assert (to_text(node) if node else None) == before


@pytest.mark.parametrize(
    ("name", "value", "query"),
    [
        ("model", "gpt-4o", "model:gpt-4o"),
        ("user", None, "-has:user"),
        ("metadata.plan", "pro", "metadata.plan:pro"),
        ("metadata.plan", None, "-metadata.plan:*"),
        ("key", "plan", "metadata.plan:*"),
        ("tool", "find it", 'any(kind:tool,function name:"find it")'),
        ("failed", "search", "any(level:error name:search)"),
        ("prompt", "greet@3", "any(prompt:greet prompt_version:3)"),
        ("prompt", "a@b", "any(prompt:a@b)"),
        ("finish", "length", "any(finish:length)"),
        ("error", "ToolTimeout", "error:ToolTimeout"),
    ],
)
def test_an_attribute_becomes_a_term(name: str, value: str | None, query: str) -> None:
    text = to_text(attribute_query(name, value))
    assert text == query
    assert to_text(parse(text, Grain.TRACE)) == query


def test_a_threshold_becomes_a_term_and_the_fields_of_a_query_are_listed() -> None:
    assert to_text(threshold_query("latency", ">", 20.0)) == "latency:>20s"
    node = parse("status:error -metadata.plan:pro any(kind:tool name:x)", Grain.TRACE)
    assert {"status", "error", "metadata.plan", "tool"} <= queried_fields(node)
