"""The next error of a trace, and the neighbours of a trace in the list."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.query.selection import Selection
from tracer.store.traces.span_tree import next_error
from tracer.store.traces.traces import get_row, neighbours, neighbours_in

TRACE = "t"


def test_errors_are_visited_in_time_order_and_then_from_the_first(
    store_traces: StoreTraces, project: str
) -> None:
    story = TraceBuilder(TRACE).span("root", None, 0, 9)
    for span_id, start in (("b", 2), ("a", 2), ("c", 5)):
        story.span(span_id, "root", start, 6, level="error")
    store_traces(story)
    steps = {after: next_error(project, TRACE, after) for after in (None, "a", "b", "c", "root")}
    assert steps == {None: "a", "a": "b", "b": "c", "c": "a", "root": "a"}
    assert next_error(project, TRACE, "gone") == "a"


def test_a_trace_without_errors_has_no_next_one(store_traces: StoreTraces, project: str) -> None:
    store_traces(TraceBuilder(TRACE).span("root"))
    assert next_error(project, TRACE, None) is None
    assert next_error(project, TRACE, "root") is None


def test_neighbours_are_the_next_rows_of_the_list(store_traces: StoreTraces, project: str) -> None:
    begun = now() - 60 * SECOND
    for n, start in enumerate((0, 10, 10, 20)):
        store_traces(TraceBuilder(f"t{n}", begun - start * SECOND).span("r"))

    def around(trace_id: str) -> tuple[str | None, str | None]:
        row = get_row(project, trace_id)
        assert row is not None
        return neighbours(row)

    # Newest first, and of those that began together the greater id.
    assert around("t0") == (None, "t2")
    assert around("t2") == ("t0", "t1")
    assert around("t1") == ("t2", "t3")
    assert around("t3") == ("t1", None)


def test_a_sorted_selection_is_stepped_through_in_its_order(
    store_traces: StoreTraces, project: str
) -> None:
    for n, seconds in enumerate((1, 5, 3, 3)):
        store_traces(TraceBuilder(f"t{n}", name="a").span("r", None, 0, seconds))
    store_traces(TraceBuilder("other", name="b").span("r", None, 0, 4))
    selection = Selection(parse("name:a", Grain.TRACE))

    def around(trace_id: str) -> tuple[str | None, str | None]:
        return neighbours_in(project, trace_id, selection, "-latency")

    assert [around(f"t{n}") for n in (1, 3, 2, 0)] == [
        *((None, "t3"), ("t1", "t2"), ("t3", "t0"), ("t2", None)),
    ]
    # A trace that does not match any more still has a place.
    assert around("other") == ("t1", "t3")
    assert around("gone") == (None, None)


def test_the_link_opens_the_page_at_the_error(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(
        TraceBuilder(TRACE).span("root", None, 0, 9).span("bad", "root", 1, 2, level="error")
    )
    link = get_page(f"/traces/{TRACE}?open=root").one("a", id="errors")["href"]
    there = client.get(link).headers["Location"]
    assert there == f"/project/default/traces/{TRACE}?open=root&span=bad"
    json_path = f"/project/default/traces/{TRACE}/error.json?after=bad"
    assert client.get(json_path).json == {"span_id": "bad"}
