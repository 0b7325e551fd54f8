"""Gaps between the rows of a level, and groups of similar rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.tree.gaps import Gap, gaps_of
from tracer.ui.waterfall.axis import Axis

ID = "a" * 32
PAGE = f"/traces/{ID}"
START = datetime(2026, 1, 1, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(start: float, end: float | None, **fields: Any) -> SpanRow:
    plain = dict.fromkeys(SpanRow.__dataclass_fields__)
    base = {**plain, "kind": "span", "flags": [], "placeholder": False, "child_count": 0}
    return SpanRow(
        **{
            **base,
            "start_time": moment(start),
            "end_time": None if end is None else moment(end),
            **fields,
        }
    )


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12),
    st.integers(0, 80),
)
def test_gaps_are_the_time_that_no_child_covers(spans: list[tuple[int, int]], end: int) -> None:
    rows = [row(start, start + took) for start, took in sorted(spans)]
    gaps_found = gaps_of(rows, row(0, end), begins=True, ends=True)
    intervals = {(gap.start, gap.end) for gap in gaps_found if gap}
    free = [
        second
        for second in range(max([end, *(start for start, _ in spans)]))
        if not any(start <= second < start + took for start, took in spans)
    ]
    covered = {
        second
        for start, stop in intervals
        for second in range(int((start - START).seconds), int((stop - START).seconds))
    }
    assert covered == (set(free) if rows else set())
    gaps = sorted(intervals)
    assert all(before[1] <= after[0] for before, after in pairwise(gaps))


def test_unknown_time_is_no_gap() -> None:
    rows = [row(0, 1), row(5, 6)]
    assert gaps_of(rows, row(0, 9), begins=False, ends=True) == [None] * 3
    # A model call's own time is its work.
    assert gaps_of(rows, row(0, 9, kind="generation"), begins=True, ends=True) == [None] * 3
    # What runs covers all that follows; more rows may follow the page.
    assert gaps_of([row(0, None), *rows], row(0, 9), begins=True, ends=True) == [None] * 4
    assert gaps_of(rows, row(0, 9), begins=True, ends=False)[-1] is None


@pytest.mark.parametrize(
    ("length", "whole", "shown"),
    [(1, 50, True), (1, 200, False), (0.2, 2, True), (0.5, 9, False), (0.05, 0.2, False)],
)
def test_a_short_gap_is_not_shown(length: float, whole: float, shown: bool) -> None:
    assert Gap(moment(0), moment(length)).is_shown(Axis(moment(0), moment(whole))) is shown


def many(count: int) -> TraceBuilder:
    story = TraceBuilder(ID).span("root", None, 0, 100, kind="agent")
    story.span("first", "root", 0, 1).model_calls("root", count)
    return story.span("last", "root", 90, 99)


def test_a_group_of_similar_spans_is_one_row_that_contains_them(
    get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_traces(many(30))
    shown = get_page(PAGE)
    run = shown.one("div", id="f-s000")
    assert run.all("a")[0].text == "30 × ask"
    assert "p50 500 ms" in run.text
    assert "1 error" in run.text
    assert run.all("span", css="all")[0].text == "150"
    assert [node["id"] for node in run.all("div", css="leaf")] == [f"s-s{n:03}" for n in range(30)]
    gaps = [gap.text for gap in shown.all("div", css="gap")]
    assert gaps == [
        "19.0 s, nothing recorded",
        "40.5 s, nothing recorded",
        "1.00 s, nothing recorded",
    ]


def test_a_group_is_open_where_one_of_its_spans_is_selected(
    get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_traces(many(30))
    toggle = get_page(f"{PAGE}?span=s007").one("div", id="f-s000").one("details")
    assert "open" in toggle.attributes
    toggle = get_page(f"{PAGE}?span=last").one("div", id="f-s000").one("details")
    assert "open" not in toggle.attributes


def test_small_growing_or_open_groups_stay_rows(
    get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_traces(many(7))
    assert get_page(PAGE).all("div", css="many") == []
    store_traces(many(40).span("on", "root", 95, None))
    assert get_page(PAGE).all("div", css="many") == []


def test_the_critical_path_is_marked(get_page: GetPage, store_traces: StoreTraces) -> None:
    story = TraceBuilder(ID).span("root", None, 0, 10, kind="agent")
    story.span("slow", "root", 1, 9).span("beside", "root", 2, 4).span("late", "slow", 5, 9)
    store_traces(story)
    shown = get_page(PAGE)

    def path(span_id: str) -> list[str]:
        row = shown.one("div", id=f"s-{span_id}")
        return [mark["style"] for mark in row.all("i", css="crit")]

    assert path("root") == ["--x:0.0;--w:100.0"]
    assert path("slow") == ["--x:10.0;--w:80.0"]
    assert path("late") == ["--x:50.0;--w:40.0"]
    assert path("beside") == []
