"""The trace page for screen readers, for keyboards, and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import DEEP, agent_trace, deep_trace

TRACE = f"/project/default/traces/{'a' * 32}"


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
