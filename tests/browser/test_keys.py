"""Everything can be done by keyboard: rows, errors, neighbours, search, the list of keys."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import (
    DEEP,
    SECOND,
    TraceBuilder,
    agent_trace,
    deep_trace,
    now,
)

FAILED = "f" * 32


def hidden_errors() -> TraceBuilder:
    """Return a trace whose second error is far down, and the third on its own page of children."""
    story = TraceBuilder(FAILED, name="failing").span("root", None, 0, 50)
    story.span("early", "root", 0.5, 0.6, level="error")
    for n in range(150):
        story.span(f"c-{n:03}", "root", 1 + n * 0.1, 1.1 + n * 0.1)
    story.span("d1", "c-003", 1.31, 1.32).span("d2", "d1", 1.31, 1.32)
    story.span("deep", "d2", 1.31, 1.32, level="error")
    return story.span("late", "root", 40, 41, level="error")


def press(page: Page, key: str) -> None:
    """Press a key once the page's scripts listen."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('.row')?.id"))


def test_the_tree_is_walked_with_the_keyboard(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}?span=root")

    for key, expected in (
        ("j", "s-step-00"),
        ("ArrowDown", "s-step-01"),
        ("k", "s-step-00"),
        ("ArrowLeft", "s-root"),
        ("ArrowRight", "s-step-00"),
    ):
        page.keyboard.press(key)
        assert focused(page) == expected, key
    for _ in range(7):
        page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#s-part-0")).to_be_visible()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "s-part-0"
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2").first).to_have_text("part-0")


def test_errors_and_all_nodes_are_opened_by_one_key(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(f"/project/default/traces/{'a' * 32}")
    page.keyboard.press("[")
    expect(page.locator("#s-search")).to_be_hidden()
    page.keyboard.press("]")
    expect(page.locator("#s-search")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#input pre")).to_contain_text('"I was charged twice."')
    page.keyboard.press("e")
    expect(page.locator("#s-refund a")).to_be_focused()


def test_all_nodes_open_page_by_page_as_the_tree_is_scrolled(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(hidden_errors())
    page = open_page(f"/project/default/traces/{FAILED}")
    urls: list[str] = []
    page.on("request", lambda sent: urls.append(sent.url) if "/spans?" in sent.url else None)
    page.get_by_role("button", name="Expand all").click()
    expect(page.locator("#s-deep")).to_be_visible()
    # What is far below is not asked for yet.
    assert urls
    assert [url for url in urls if "after=" in url] == []
    expect(page.locator("#s-late")).to_have_count(0)
    page.locator("#tree").evaluate("tree => tree.scrollTo(0, tree.scrollHeight)")
    expect(page.locator("#s-late")).to_have_count(1)
    page.keyboard.press("[")
    expect(page.locator("#s-deep")).to_be_hidden()


def test_keys_are_shown_and_ignored_while_typing(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/traces")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".query input").fill("?tj")
    expect(page.locator("#keys")).to_be_hidden()
    assert page.evaluate("document.documentElement.dataset.theme") is None
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=%3Ftj"))


def test_the_next_error_is_found_wherever_it_is(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(hidden_errors())
    page = open_page(f"/project/default/traces/{FAILED}")
    for span_id in ("early", "deep", "late", "early"):
        press(page, "e")
        expect(page).to_have_url(re.compile(rf"span={span_id}$"))
        expect(page.locator(f"#s-{span_id}")).to_have_attribute("aria-current", "true")
        expect(page.locator("#panel h2").first).to_have_text(span_id)


def test_errors_are_links_without_scripts(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(hidden_errors())
    page = open_page(f"/project/default/traces/{FAILED}", scripts=False)
    for span_id in ("early", "deep", "late", "early"):
        page.get_by_role("link", name="3 errors").click()
        expect(page.locator("#panel h2").first).to_have_text(span_id)


def test_neighbours_are_the_next_traces_of_the_filtered_list(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    for n in range(6):
        name = "even" if n % 2 == 0 else "odd"
        store_traces(TraceBuilder(f"{n:032}", now() - n * 10 * SECOND, name=name).span(f"r{n}"))
    page = open_page("/project/default/traces?q=name:even")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#s-r0")).to_be_visible()
    for key, row in (("n", "r2"), ("n", "r4"), ("p", "r2")):
        press(page, key)
        expect(page.locator(f"#s-{row}")).to_be_visible()
    # Without the list that it was opened from, a trace steps through all of them.
    page.goto(page.url.partition("?")[0])
    for key, row in (("n", "r3"), ("p", "r2"), ("p", "r1")):
        press(page, key)
        expect(page.locator(f"#s-{row}")).to_be_visible()


def test_search_link_and_theme_are_one_key_each(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/traces")
    page.keyboard.press("/")
    expect(page.locator(".query input")).to_be_focused()
    page.goto(f"{page.url}/{'a' * 32}?span=plan")
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_have_text("Address copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_visible()


def test_the_tab_key_stops_at_one_row_of_the_tree(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}?span=step-03")

    def stops() -> list[str]:
        ids: list[str] = page.evaluate(
            """[...document.querySelectorAll(".tree .row :is(a, summary)")]
                .filter((e) => e.tabIndex === 0).map((e) => e.closest(".row").id)"""
        )
        return ids

    assert stops() == ["s-step-03"]
    page.locator("#s-step-03 a").focus()
    page.keyboard.press("j")
    assert stops() == ["s-step-04"]
    page.locator("#s-step-07 summary").click()
    expect(page.locator("#s-part-0")).to_be_visible()
    assert len(stops()) == 1


def test_arrows_scroll_where_no_row_has_the_focus(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}")
    assert page.evaluate(
        """() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true, cancelable: true}))"""
    )


def test_every_key_of_the_list_does_something(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/traces")
    page.keyboard.press("?")
    named = page.locator("#keys kbd").all_inner_texts()
    assert set(named) == {*"/jk↓↑↵→←][enpz0rctlvx?", "Ctrl", "K"}
    page.keyboard.press("j")
    expect(page.locator("#keys")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#keys")).to_be_hidden()
