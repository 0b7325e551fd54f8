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


def page_of(cursor: str | None = None) -> TranscriptPage:
    page = read_transcript("default", "t", cursor)
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
    assert page_of() == TranscriptPage([], [], None, None, 0, 0)
