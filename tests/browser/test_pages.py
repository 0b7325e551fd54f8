"""From the list of traces to a span and back, with scripts and without."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import (
    DEEP,
    TraceBuilder,
    agent_trace,
    deep_trace,
    wide_trace,
)

WIDE = "b" * 32


def test_from_the_list_to_a_span_and_back(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(deep_trace(), agent_trace())
    page = open_page("/project/default/traces")
    page.get_by_role("table").get_by_role("link", name="nightly").click()
    expect(page.locator("#s-step-94")).to_be_attached()
    assert not page.locator("#s-part-4").is_visible()
    page.locator("#s-step-07 summary").click()
    expect(page.locator("#s-part-4")).to_be_visible()
    page.locator("#s-part-4 summary").click()
    page.locator("#s-call-2 a").click()
    expect(page.locator("#panel h2").first).to_have_text("call-2")
    expect(page.locator("#panel #input")).to_contain_text("the question")
    expect(page.locator("#s-call-2")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(r"\?span=call-2$"))
    page.reload()
    expect(page.locator("#s-call-2")).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_role("table").get_by_role("link", name="resolve_ticket")).to_be_visible()


def test_the_same_without_scripts(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(deep_trace(), agent_trace())
    page = open_page("/project/default/traces", scripts=False)
    page.get_by_role("table").get_by_role("link", name="nightly").click()
    page.locator("#s-step-07 summary").click()
    page.get_by_role("link", name="8 spans").click()
    page.locator("#s-part-4 summary").click()
    page.get_by_role("link", name="3 spans").click()
    page.locator("#s-call-2 a").click()
    expect(page.locator("#panel h2").first).to_have_text("call-2")
    expect(page.locator("#s-call-2")).to_have_attribute("aria-current", "true")
    page.locator("#panel").get_by_role("link", name="Metadata").click()
    expect(page.locator("#panel dl.facts").last).to_contain_text("part-4")
    assert not page.get_by_title("Copy").first.is_visible()


def test_the_next_hundred_rows_replace_their_link(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(wide_trace())
    page = open_page(f"/project/default/traces/{WIDE}")
    expect(page.locator(".tree .row")).to_have_count(102)
    page.get_by_text("Next 100").click()
    expect(page.locator("#s-child-0199")).to_be_attached()
    expect(page.locator(".tree .row")).to_have_count(202)
    page.get_by_text("Next 100").click()
    expect(page.locator(".tree .row")).to_have_count(251)
    assert page.locator(".tree .row.more").count() == 0


def test_an_opened_node_is_loaded_once(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}")
    urls: list[str] = []
    page.on("request", lambda sent: urls.append(sent.url) if "/spans?" in sent.url else None)
    for _ in range(4):
        page.locator("#s-step-07 summary").click()
        expect(page.locator("#s-part-4")).to_be_attached()
    assert len(urls) == 1


def test_a_failed_load_is_reported_and_can_be_retried(
    store_traces: StoreTraces, open_page: OpenPage, faults: list[str]
) -> None:
    store_traces(deep_trace())
    page = open_page(f"/project/default/traces/{DEEP}")
    page.route("**/spans?*", lambda route: route.abort())
    page.locator("#s-step-07 summary").click()
    expect(page.get_by_role("status")).to_contain_text("can't be reached")
    page.unroute("**/spans?*")
    page.locator("#s-step-07 summary").click()
    page.locator("#s-step-07 summary").click()
    expect(page.locator("#s-part-4")).to_be_visible()
    assert [fault for fault in faults if "Fail" not in fault] == []
    faults.clear()


def test_the_theme_has_three_states_and_is_kept(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/traces")
    chosen = []
    for _ in range(3):
        page.get_by_title("Theme").click()
        page.reload()
        chosen.append(page.evaluate("document.documentElement.dataset.theme ?? 'auto'"))
    assert chosen == ["light", "dark", "auto"]


def test_ids_are_copied_with_a_click(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(agent_trace())
    page = open_page(f"/project/default/traces/{'a' * 32}?span=plan")
    page.locator("#panel .ident button").click()
    expect(page.get_by_role("status")).to_have_text("Text copied")
    assert page.evaluate("navigator.clipboard.readText()") == "plan"


def test_a_link_opens_the_third_page_of_children_six_levels_deep(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = TraceBuilder(DEEP, name="deep link").span("l0", None, 0, 90, kind="agent")
    for n in range(1, 6):
        story.span(f"l{n}", f"l{n - 1}", n, 90 - n, kind="chain")
        for other in range(120):
            story.span(f"x{n}-{other:03}", f"l{n - 1}", n + 0.1 + other * 0.01, n + 2)
    for n in range(260):
        story.span(f"c-{n:03}", "l5", 6 + n * 0.1, 6.1 + n * 0.1, kind="tool")
    store_traces(story)
    page = open_page(f"/project/default/traces/{DEEP}?span=c-230")
    row = page.locator("#s-c-230")
    expect(row).to_be_in_viewport()
    expect(row).to_have_attribute("aria-current", "true")
    expect(row).to_have_attribute("style", "--depth:6")
    expect(page.locator("#panel h2").first).to_have_text("c-230")
    # Around it is the rest of its page, and what is before it is a link away.
    expect(page.locator("#s-c-259")).to_be_attached()
    before = page.locator(".row.more", has_text="100 earlier").last
    before.locator("a").click()
    expect(page.locator("#s-c-229")).to_be_attached()
    expect(page.locator("#s-c-130")).to_be_attached()


def test_a_full_pass_without_scripts(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(deep_trace(), agent_trace())
    page = open_page("/project/default/traces", scripts=False)
    page.get_by_role("table").get_by_role("link", name="resolve_ticket").click()
    page.get_by_title("Zoom to 4.50 s – 5.40 s").click()
    expect(page.locator(".axis .chip.run")).to_contain_text("4.50 s – 5.40 s")
    page.get_by_role("link", name="1 error").click()
    expect(page.locator("#panel h2").first).to_have_text("refund")
    expect(page.locator(".axis .chip.run")).to_contain_text("4.50 s – 5.40 s")
    page.get_by_title("Show the whole trace").click()
    expect(page.locator(".axis .chip.run")).to_have_count(0)
    for tab in ("Metadata", "Events", "Scores", "Mapping", "Raw"):
        page.locator("#panel .tabs").get_by_role("link", name=tab).click()
        expect(page.locator("#panel .tabs [aria-current]")).to_have_text(tab)
    page.get_by_title("Close").click()
    expect(page.locator("#panel h2").first).to_have_text("resolve_ticket")
    page.locator(".views").get_by_role("link", name="Log").click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.locator(".views").get_by_role("link", name="Tree").click()
    page.get_by_title(re.compile("^(Next|Previous) trace")).first.click()
    expect(page.locator("h1")).to_have_text("nightly")
    page.get_by_role("link", name="compress?").click()
    expect(page.locator(".axis .chip")).to_have_text("idle time compressed")


def test_a_group_of_similar_spans_opens_with_a_click_a_key_and_without_scripts(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = TraceBuilder(DEEP, name="runs").span("root", None, 0, 40)
    for n in range(30):
        story.span(f"c{n}", "root", n, n + 1, name="ask")
    store_traces(story)
    for scripts in (True, False):
        page = open_page(f"/project/default/traces/{DEEP}", scripts=scripts)
        run, inner = page.locator("#f-c0 > .row"), page.locator("#s-c7")
        expect(run).to_contain_text("30 × ask")
        expect(inner).to_be_hidden()
        run.locator("summary").click()
        expect(inner).to_be_visible()
        if scripts:
            run.locator("a").focus()
            page.keyboard.press("ArrowLeft")
            expect(inner).to_be_hidden()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("Enter")
            expect(page.locator("#panel h2").first).to_have_text("ask")
        page.goto(f"{page.url.partition('?')[0]}?span=c20")
        expect(page.locator("#s-c20")).to_be_visible()
