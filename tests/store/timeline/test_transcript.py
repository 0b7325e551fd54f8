"""Pages of the transcript: model calls and tools in time order, texts within a size."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.store.timeline.transcript import PER_PAGE, TranscriptPage, read_transcript

pytestmark = pytest.mark.usefixtures("project")


def calls(count: int, **fields: Any) -> list[Any]:
    return [
        span(f"{n:03}", "root", kind="generation", start_time=T0 + n, input=str(n), **fields)
        for n in range(count)
    ]


def page_of(cursor: str | None = None, words: str = "") -> TranscriptPage:
    page = read_transcript("default", "t", cursor, words)
    assert page is not None
    return page


def ids(entries: list[Any]) -> list[str]:
    return [entry.span.span_id for entry in entries]


def test_pages_lead_through_the_calls_with_the_previous_page_as_context(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("root"), span("step", "root", kind="chain"), *calls(PER_PAGE + 5))
    first = page_of()
    assert ids(first.entries) == [f"{n:03}" for n in range(PER_PAGE)]
    assert (first.count, first.previous_entries, first.earlier, first.unread) == (
        PER_PAGE + 5,
        [],
        None,
        0,
    )
    second = page_of(first.later)
    assert ids(second.entries) == [f"{n:03}" for n in range(PER_PAGE, PER_PAGE + 5)]
    assert ids(second.previous_entries) == ids(first.entries)
    assert second.later is None
    assert ids(page_of(second.earlier).entries) == ids(first.entries)
    texts = [entry.step.input for entry in second.entries if entry.step is not None]
    assert texts == [str(n) for n in range(PER_PAGE, PER_PAGE + 5)]


def test_texts_beyond_the_size_of_a_page_are_left_to_their_spans(
    connection: psycopg.Connection[Any],
) -> None:
    # Random digits, which LZ4 can not compress: one text fits a page, two do not.
    digits = "".join(random.Random(1).choices("0123456789abcdef", k=1_600_000))
    put(connection, span("root"), *calls(3, output=digits))
    entries = page_of().entries
    assert ids(entries) == ["000", "001", "002"]
    assert [entry.step is None for entry in entries] == [False, True, True]


def test_a_trace_without_calls_has_an_empty_page(connection: psycopg.Connection[Any]) -> None:
    put(connection, span("root"))
    assert page_of() == TranscriptPage([], [], None, None, 0, False, 0, {})


def test_a_search_reads_the_calls_that_contain_its_words(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("root", input="needle"), *calls(30, output="hay needle"))
    put(connection, span("other", "root", kind="tool", start_time=T0 + 5, output="hay"))
    page = page_of(words="needle hay")
    assert (page.count, ids(page.entries)) == (30, [f"{n:03}" for n in range(PER_PAGE)])
    assert ids(page_of(page.later, "needle hay").entries) == [
        f"{n:03}" for n in range(PER_PAGE, 30)
    ]


def test_each_call_belongs_to_its_nearest_agent(connection: psycopg.Connection[Any]) -> None:
    put(
        connection,
        span("root", kind="agent"),
        span("plan", "root", kind="generation", start_time=T0 + 1),
        span("sub", "root", kind="agent", start_time=T0 + 2),
        span("step", "sub", kind="chain", start_time=T0 + 3),
        span("ask", "step", kind="generation", start_time=T0 + 4),
        span("alone", kind="tool", start_time=T0 + 5),
    )
    agents = page_of().agents
    assert {call: agent.span_id for call, agent in agents.items()} == {"plan": "root", "ask": "sub"}
