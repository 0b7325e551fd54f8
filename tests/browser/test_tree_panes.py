"""The tree beside its bars and panel: splitters, lenses, bars, tool calls, and for all readers."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import (
    DEEP,
    TraceBuilder,
    agent_trace,
    chat_message,
    deep_trace,
)
from tracer.records import Json

TRACE = f"/project/default/traces/{'a' * 32}"


def width(page: Page, selector: str) -> float:
    return float(page.locator(selector).evaluate("part => part.getBoundingClientRect().width"))


def test_splitters_set_widths_that_the_browser_remembers(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    page.wait_for_load_state()
    for name, part, by in (("names", ".row .name >> nth=0", 90), ("panel", "#panel", -70)):
        before = width(page, part)
        box = page.locator(f"[data-splitter={name}]").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + 8
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + by, y)
        page.mouse.up()
        assert abs(width(page, part) - before - abs(by)) < 3, name
        dragged = width(page, part)
        page.reload()
        assert abs(width(page, part) - dragged) < 2, name
        page.locator(f"[data-splitter={name}]").press("ArrowRight" if by > 0 else "ArrowLeft")
        assert width(page, part) > dragged + 10, name
        page.locator(f"[data-splitter={name}]").dblclick()
        assert abs(width(page, part) - before) < 2, name


def test_a_bar_selects_its_span_and_names_start_and_duration(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    page.wait_for_load_state()
    for row, title in (
        ("gather", "starts at 2.00 s, takes 2.00 s"),
        ("refund", "starts at 4.00 s, takes 2.00 s"),
    ):
        bar = page.locator(f"#s-{row} .bar")
        assert bar.get_attribute("title") == title
        bar.click()
        expect(page.locator("#panel h2").first).to_have_text(row)
        expect(page.locator(f"#s-{row}")).to_have_attribute("aria-current", "true")
    # The click has not closed the node.
    expect(page.locator("#s-search")).to_be_visible()


def test_a_lens_shows_the_spans_of_one_family_however_deep_they_are(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = agent_trace()
    # Too many to be opened with the page: the server has to find that two of them are tools.
    story.span("batch", "root", 4.5, 9, kind="chain")
    for n in range(130):
        kind = "tool" if n in (5, 120) else "chain"
        story.span(f"deep-{n}", "batch", 4.5 + n * 0.01, 9, kind=kind, name=f"deep {n}")
    store_traces(story)
    page = open_page(f"{TRACE}?span=plan")
    page.wait_for_load_state()
    lenses = page.get_by_role("navigation", name="Spans to show")
    assert lenses.locator("a").all_inner_texts() == ["All 137", "Model 1", "Tools 4", "Errors 1"]
    rows = page.locator(".tree .row:not(.gap) .name > a")
    for name, left in (
        ("Model", ["resolve_ticket", "plan"]),
        ("Tools", ["resolve_ticket", "gather", "lookup", "refund", "batch", "deep 5", "deep 120"]),
        ("Errors", ["resolve_ticket", "refund"]),
    ):
        lenses.get_by_role("link", name=name).click()
        expect(rows).to_have_text(left)
        query = parse_qs(urlsplit(page.url).query)
        assert query["span"] == ["plan"]
        assert query["lens"] == [name.lower()]
    page.locator("#s-refund .name > a").click()
    expect(page.locator("#panel h2").first).to_have_text("refund")
    page.reload()
    expect(rows).to_have_text(["resolve_ticket", "refund"])
    lenses.get_by_role("link", name="All").click()
    expect(page.locator("#s-plan")).to_be_visible()
    expect(page.locator("#s-refund")).to_have_attribute("aria-current", "true")
    assert "lens" not in page.url


def test_names_of_deep_levels_have_room(store_traces: StoreTraces, open_page: OpenPage) -> None:
    story = TraceBuilder("a" * 32, name="deep")
    for n in range(30):
        parent = f"level-{n - 1:02}" if n else None
        story.span(f"level-{n:02}", parent, n * 0.01, 1, name="long" * (30 if n == 3 else 1))
    store_traces(story)
    page = open_page(f"{TRACE}?span=level-29")
    lefts = [
        page.locator(f"#s-level-{n:02} .name > a").evaluate("a => a.getBoundingClientRect().left")
        for n in (0, 5, 6, 7, 20, 29)
    ]
    assert lefts == sorted(set(lefts))
    name = page.locator("#s-level-29 .name > a")
    assert name.evaluate("a => a.scrollWidth <= a.clientWidth")
    # A long name is cut at the end of its cell, where no sum of an open node takes room.
    unused = """a => a.closest(".name").getBoundingClientRect().right
        - a.getBoundingClientRect().right"""
    assert page.locator("#s-level-03 .name > a").evaluate(unused) < 16


def test_the_critical_path_marks_leaves_and_closed_nodes(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    page.wait_for_load_state()
    expect(page.locator("#s-refund .crit")).to_be_visible()
    expect(page.locator("#s-gather .crit")).to_be_hidden()
    page.locator("#s-gather summary").click()
    expect(page.locator("#s-gather .crit")).to_be_visible()


def call(call_id: str, name: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def test_a_tool_call_links_to_its_span(store_traces: StoreTraces, open_page: OpenPage) -> None:
    first = [{"role": "assistant", "tool_calls": [call("1", "find"), call("2", "find")]}]
    result = {"role": "tool", "tool_call_id": "1", "content": "r"}
    story = TraceBuilder("a" * 32).span("root", None, 0, 9, kind="agent")
    story.generation("g1", "root", 0, 1, input=[chat_message("user", "?")], output=first)
    story.span("f1", "root", 1, 2, kind="tool", name="find")
    story.span("f2", "root", 2, 3.5, kind="tool", name="execute_tool find", level="error")
    story.generation("g2", "root", 4, 5, input=[*first, result], output="done")
    story.span("f3", "root", 6, 7, kind="tool", name="find")
    store_traces(story)
    for generation, part in (("g1", "#output"), ("g2", "#input")):
        page = open_page(f"{TRACE}?span={generation}")
        links = page.locator(f"{part} .call header a")
        assert links.all_inner_texts() == ["1.00 s, open span", "1.50 s, open span"]
        links.nth(1).click()
        expect(page.locator("#panel h2").first).to_have_text("execute_tool find")
        expect(page.locator("#s-f2")).to_have_attribute("aria-current", "true")
        assert parse_qs(urlsplit(page.url).query)["span"] == ["f2"]


def test_rows_have_a_level_and_say_whether_they_are_open(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    page.wait_for_load_state()
    tree = page.get_by_role("tree")
    gather = tree.get_by_role("treeitem", name="gather", expanded=True, level=2)
    gather.focus()
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem", name="gather", expanded=False, level=2)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem", name="lookup", level=3)).to_be_visible()
    assert tree.get_by_role("treeitem", name="lookup").get_attribute("aria-expanded") is None


def test_rows_that_are_loaded_later_have_a_level_too(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}")
    page.locator("#s-step-07 summary").click()
    part = page.get_by_role("treeitem", name="part-4", level=3, expanded=False)
    part.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("treeitem", name="call-1", level=4)).to_be_visible()


@pytest.mark.parametrize("query", ["", "?span=lookup"])
def test_a_row_is_reached_in_five_stops_of_the_tab_key(
    store_traces: StoreTraces, open_page: OpenPage, query: str
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE + query)
    page.wait_for_load_state()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the spans")).to_be_focused()
    page.keyboard.press("Enter")
    row = "lookup" if query else "root"
    expect(page.locator(f"#s-{row} .name > a")).to_be_focused()


def test_half_of_a_phone_belongs_to_the_tree(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = agent_trace(release="2026.11.20", version="4.1.0")
    store_traces(story)
    page = open_page(TRACE, width=390)
    box = page.locator("#tree").bounding_box()
    assert box is not None
    assert box["y"] <= 844 / 2


def test_the_statistics_show_figures_on_a_phone(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}/statistics", width=390)
    for heading in ("Count", "Total", "Average"):
        box = page.get_by_role("link", name=heading).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390, heading
