"""The rows of a lens: equal siblings fold as in the tree, page by page."""

from __future__ import annotations

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder

ID = "a" * 32
PAGE = f"/traces/{ID}?lens=tools"


def groups(shown: Element) -> list[str]:
    return [row.all("a")[0].text for row in shown.all("div", css="many")]


def calls(story: TraceBuilder, parent: str, count: int, start: float) -> TraceBuilder:
    for n in range(count):
        story.span(f"{parent}-{n:03}", parent, start + n, start + n + 0.5, kind="tool", name="find")
    return story


def test_equal_siblings_fold_and_others_do_not(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(ID).span("root", None, 0, 900, kind="agent")
    for number, name in enumerate(("first", "second")):
        story.span(name, "root", 100 * number, 100 * number + 99, kind="chain")
        calls(story, name, 9, 100 * number)
    # Below one of these is another tool, which must stay visible in its place.
    calls(story.span("third", "root", 300, 399, kind="chain"), "third", 12, 300)
    story.span("inner", "third-011", 311, 311.2, kind="tool", name="fetch")
    store_traces(story)
    shown = get_page(PAGE)
    assert groups(shown) == ["9 × find", "9 × find", "11 × find"]
    assert [row["style"] for row in shown.all("div", css="many")] == ["--depth:2"] * 3
    # The one with a tool below it and that tool are rows of their own.
    for row in ("third-011", "inner"):
        assert not any(group.all(id=f"s-{row}") for group in shown.all("div", css="node"))
        shown.one("div", id=f"s-{row}")
    opened = get_page(f"{PAGE}&span=second-004").one("div", id="f-second-000")
    assert "open" in opened.one("details").attributes


def test_a_fold_goes_on_where_the_next_page_begins(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(ID).span("root", None, 0, 900, kind="agent")
    store_traces(calls(story, "root", 150, 0))
    shown = get_page(PAGE)
    assert groups(shown) == ["100+ × find"]
    [link] = [link for link in shown.all("a") if "data-later" in link.attributes]
    after = get_page(link["hx-get"].partition("/project/default")[2], fragment=True)
    assert groups(after) == ["50 × find"]


def test_a_running_trace_does_not_fold(store_traces: StoreTraces, get_page: GetPage) -> None:
    story = TraceBuilder(ID).span("root", None, 0, None, kind="agent")
    store_traces(calls(story, "root", 20, 0))
    assert groups(get_page(PAGE)) == []
