"""The tree of a trace, read one level at a time."""

from __future__ import annotations

from typing import Any

import psycopg
from flask import Flask

from tests.support.store.rows import put, trace_rows
from tests.support.traces.records import T0, span
from tracer.records import SpanPatch
from tracer.store.traces import span_tree
from tracer.store.traces.span_detail import get_span
from tracer.store.traces.span_tree import CHILD_COUNT_CAP


def level(parent: str | None, **page: Any) -> span_tree.Children:
    return span_tree.children_page("default", "t", parent, **page)


def ids(page: span_tree.Children) -> list[str]:
    return [row.span_id for row in page.rows]


def test_children_are_in_time_order_across_pages_in_both_directions(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    children = [span(f"c{n:03}", "root", start_time=T0 + n) for n in range(25)]
    put(connection, span("root"), *reversed(children))
    with app.app_context():
        first = level("root", limit=10)
        second = level("root", cursor=first.later, limit=10)
        third = level("root", cursor=second.later, limit=10)
        back = level("root", cursor=third.earlier, limit=10)
    assert ids(first) + ids(second) + ids(third) == [child.span_id for child in children]
    assert first.earlier is None
    assert third.later is None
    assert ids(back) == ids(second)


def test_a_page_around_a_child_starts_with_it_and_leads_both_ways(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("root"), *[span(f"c{n}", "root", start_time=T0 + n) for n in range(9)])
    with app.app_context():
        _, fifth = span_tree.path_to("default", "t", "c4")
        assert fifth.ahead == 4
        page = span_tree.siblings_from("default", "t", fifth, limit=3)
        assert ids(page) == ["c4", "c5", "c6"]
        assert ids(level("root", cursor=page.earlier, limit=3)) == ["c1", "c2", "c3"]
        root, first = span_tree.path_to("default", "t", "c0")
        assert span_tree.siblings_from("default", "t", first, limit=3).earlier is None
        assert ids(span_tree.siblings_from("default", "t", root)) == ["root"]


def test_several_levels_are_read_in_one_call(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a"), span("b"), span("a1", "a"), span("b1", "b"), span("b2", "b"))
    with app.app_context():
        levels = span_tree.children("default", "t", [None, "a", "b"], limit=1)
    assert {parent: ids(page) for parent, page in levels.items()} == {
        None: ["a"],
        "a": ["a1"],
        "b": ["b1"],
    }
    assert levels["b"].later is not None
    assert levels["a"].later is None


def test_a_child_before_its_parent_is_under_a_placeholder_that_the_parent_replaces(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("child", "parent", start_time=T0 + 5))
    with app.app_context():
        (stand_in,) = level(None).rows
        assert (stand_in.span_id, stand_in.placeholder, stand_in.name) == ("parent", True, "")
        assert ids(level("parent")) == ["child"]
    assert trace_rows(connection)[0]["span_count"] == 1
    put(connection, span("parent"))
    with app.app_context():
        (parent,) = level(None).rows
        assert (parent.placeholder, parent.name, parent.child_count) == (False, "parent", 1)


def test_the_count_of_children_stops_at_its_cap(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("root"), *[span(f"c{n}", "root") for n in range(CHILD_COUNT_CAP + 50)])
    with app.app_context():
        assert level(None).rows[0].child_count == CHILD_COUNT_CAP + 1


def test_a_cycle_is_flattened_and_flagged_however_it_closes(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a", "c", start_time=T0 + 1))
    put(connection, span("b", "a", start_time=T0 + 2), span("leaf", "b"))
    put(connection, span("c", "b", start_time=T0 + 3))
    with app.app_context():
        roots = level(None).rows
        assert [(row.span_id, row.flags) for row in roots] == [
            (name, ["cycle"]) for name in ("a", "b", "c")
        ]
        assert ids(level("b")) == ["leaf"]
        detail = get_span("default", "t", "a")
    assert detail is not None
    assert detail.sent_parent_id == "c"


def test_an_update_of_a_span_in_a_cycle_keeps_it_flattened(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a", "b"), span("b", "a"))
    put(connection, SpanPatch(trace_id="t", span_id="a", version=T0, fields={"output": "one"}))
    with app.app_context():
        assert [row.flags for row in level(None).rows] == [["cycle"], ["cycle"]]


def test_a_span_that_is_its_own_parent_is_a_flagged_root(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("a", "a"))
    with app.app_context():
        (root,) = level(None).rows
        assert (root.flags, root.parent_span_id) == (["self_parent"], None)


def test_the_path_from_the_root_is_limited_in_a_deep_chain(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    chain = [span("0"), *[span(str(n), str(n - 1), start_time=T0 + n) for n in range(1, 10_000)]]
    put(connection, *chain)
    with app.app_context():
        path = span_tree.path_to("default", "t", "3")
        deep = span_tree.path_to("default", "t", "9999", limit=50)
        assert span_tree.path_to("default", "t", "nowhere") == []
    assert [row.span_id for row in path] == ["0", "1", "2", "3"]
    assert [row.span_id for row in deep] == [str(n) for n in range(9_950, 10_000)]


def test_a_span_is_read_as_it_was_sent(app: Flask, connection: psycopg.Connection[Any]) -> None:
    fields = {
        "input": {"z": 1, "a": [None, "\\n\t é 🎉"]},
        "output": "text with \\ and \n newline",
        "metadata": {"k": {"deep": True}},
        "attributes": {"n": 1.5},
        "events": [{"name": "e", "time": "2023-11-14T22:13:20Z", "attributes": {}}],
        "resource": {"service.name": "s"},
        "usage": {"input": 3},
    }
    put(connection, span("a", name="tab\there \\N", status_message="a\\b", **fields))
    with app.app_context():
        stored = get_span("default", "t", "a")
    assert stored is not None
    assert {name: getattr(stored, name) for name in fields} == fields
    assert list(stored.input) == ["z", "a"]
    assert (stored.name, stored.status_message) == ("tab\there \\N", "a\\b")
