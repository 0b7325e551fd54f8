"""The page of a growing trace is updated in place: no reload, and no row moves away."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now

LIVE = "c" * 32
BEGAN = now() - 20 * SECOND
PATH = f"/project/default/traces/{LIVE}"


def more() -> TraceBuilder:
    """Return an empty batch of the same trace, to which the next spans are added."""
    return TraceBuilder(LIVE, BEGAN, name="nightly")


def begun(children: int = 3) -> TraceBuilder:
    story = more().span("root", None, 0, None, kind="agent")
    story.span("step", "root", 0.5, None, kind="chain")
    for n in range(children):
        story.span(f"call-{n:03}", "step", 1 + n * 0.1, 1.1 + n * 0.1, kind="tool")
    return story


def edges(page: Page, span_id: str) -> tuple[float, float]:
    """Return where a bar begins and ends, in pixels."""
    box = page.locator(f"#s-{span_id} .bar").bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


def see(page: Page, state: str) -> None:
    """Let the page believe that its tab is hidden, or visible again."""
    page.evaluate(
        """(state) => {
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_new_spans_appear_within_two_seconds_of_their_commit(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun())
    page = open_page(PATH)
    expect(page.locator("#s-call-002")).to_be_visible()
    expect(page.locator(".sums")).to_contain_text("5 spans")
    late = page.evaluate("performance.now()")
    store_traces(more().generation("answer", "step", 10, 12))
    page.wait_for_selector("#s-answer")
    # On a machine that is busy with other tests: what is asserted is the page's own rhythm.
    assert page.evaluate("performance.now()") - late < 5_000
    expect(page.locator(".sums")).to_contain_text("6 spans")
    expect(page.locator(".sums")).to_contain_text("2,416 tokens")
    expect(page.locator("#s-answer .num").nth(1)).to_have_text("2,416")


def test_the_page_stops_polling_when_the_trace_has_ended(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun())
    page = open_page(PATH)
    expect(page.locator("#s-step .bar.run")).to_be_attached()
    expect(page.locator(".legend .bar.run")).to_be_visible()
    store_traces(
        more().span("step", "root", 0.5, 15, kind="chain").span("root", None, 0, 19, kind="agent")
    )
    expect(page.locator("#s-step .bar.run")).to_have_count(0)
    expect(page.locator("#s-root .num").first).to_have_text("19.0 s")
    expect(page.locator("#head .chip.run")).to_have_count(0)
    expect(page.locator(".ticks span").last).to_have_text("19.0 s")


def test_scroll_selection_focus_and_open_nodes_stay(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun(children=60))
    page = open_page(f"{PATH}?span=call-030")
    page.locator("#s-call-031 a").focus()
    page.locator("#s-step summary").click()
    page.locator("#s-step summary").click()
    page.evaluate("document.getElementById('tree').scrollTo(0, 500)")
    row = page.locator("#s-call-030").evaluate("e => (e.mark = 'same', e.offsetTop)")
    store_traces(more().span("call-900", "step", 9, 9.5, kind="tool"))
    page.wait_for_selector("#s-call-900", state="attached")
    assert page.evaluate("document.getElementById('tree').scrollTop") == 500
    assert page.locator("#s-call-030").evaluate("e => [e.mark, e.offsetTop]") == ["same", row]
    expect(page.locator("#s-call-030")).to_have_attribute("aria-current", "true")
    expect(page.locator("#panel h2").first).to_have_text("call-030")
    expect(page.locator("#s-step .toggle")).to_have_attribute("open", "")


def test_a_node_that_was_closed_stays_closed(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun())
    page = open_page(PATH)
    page.locator("#s-step summary").click()
    expect(page.locator("#s-call-000")).to_be_hidden()
    store_traces(more().span("other", "root", 3, 4))
    page.wait_for_selector("#s-other")
    expect(page.locator("#s-call-000")).to_be_hidden()


def test_a_leaf_that_gets_children_opens(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(begun())
    page = open_page(PATH)
    expect(page.locator("#s-call-001")).to_be_visible()
    store_traces(more().span("below", "call-001", 1.1, 1.2).span("deeper", "below", 1.1, 1.15))
    expect(page.locator("#s-below")).to_be_visible()
    expect(page.locator("#s-deeper")).to_be_visible()


def test_a_child_is_under_a_placeholder_until_its_parent_arrives(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun())
    page = open_page(PATH)
    expect(page.locator("#s-root")).to_be_visible()
    store_traces(more().span("orphan", "gone-77", 5, 6))
    expect(page.locator("#s-gone-77")).to_have_class("row k-span placeholder")
    expect(page.locator("#s-orphan")).to_be_visible()
    store_traces(more().span("gone-77", "step", 4, 7, kind="chain"))
    expect(page.locator(".tree .row.placeholder")).to_have_count(0)
    expect(page.locator("#s-gone-77")).to_have_count(1)
    expect(page.locator("#s-gone-77 a")).to_have_text("gone-77")


def test_bars_move_on_one_axis_while_the_trace_goes_on(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun())
    page = open_page(PATH)
    expect(page.locator("#s-call-002")).to_be_visible()
    before = edges(page, "call-002")
    store_traces(more().span("far", "step", 20, 6_000))
    page.wait_for_selector("#s-far")
    after = edges(page, "call-002")
    assert after[0] < before[0]
    assert edges(page, "root")[1] == pytest.approx(edges(page, "step")[1], abs=0.1)


def test_a_poll_without_changes_has_no_body(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(begun())
    page = open_page(PATH)
    with page.expect_response(lambda answer: "/live?" in answer.url) as answered:
        pass
    assert answered.value.status == 304


def test_a_hidden_tab_does_not_poll(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(begun())
    page = open_page(PATH)
    times: list[float] = []
    page.on("request", lambda sent: times.append(time.time()) if "/live?" in sent.url else None)
    see(page, "hidden")
    # That something does not happen can only be waited for: a request on the way may still be
    # sent, then more than a period of the polling passes without one.
    page.wait_for_timeout(200)
    seen = len(times)
    page.wait_for_timeout(2_500)
    assert len(times) == seen
    store_traces(more().span("meanwhile", "root", 3, 4))
    see(page, "visible")
    page.wait_for_selector("#s-meanwhile")


def test_late_spans_of_an_ended_trace_are_announced(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(more().span("root", None, 0, 9).span("a", "root", 1, 2))
    page = open_page(PATH)
    expect(page.locator("#s-a")).to_be_visible()
    store_traces(more().span("b", "root", 2, 3).span("c", "root", 3, 4))
    page.wait_for_selector("#s-c")
    expect(page.get_by_role("status")).to_have_text("2 new spans")


def test_a_page_of_many_rows_loads_new_rows_near_the_visible_ones(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(begun(children=250))
    page = open_page(f"{PATH}?open=step")
    for last in ("call-199", "call-249"):
        page.get_by_text("Next 100").click()
        page.wait_for_selector(f"#s-{last}", state="attached")
    store_traces(more().span("call-0505", "step", 6.05, 6.1).span("call-999", "step", 30, 31))
    # In the middle of the first page, and at the end of the last.
    page.wait_for_selector("#s-call-0505", state="attached")
    page.wait_for_selector("#s-call-999", state="attached")
    names = page.locator(".tree .row:not(.more) .name > a").all_text_contents()
    assert names == [
        *("root", "step"),
        *sorted([*(f"call-{n:03}" for n in range(250)), "call-0505", "call-999"]),
    ]
