"""Lists in the browser: queries, facets, chart and brush, saved views, live mode, widths."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, agent_trace, now

LIST = "/project/default/traces"
VISIBLE_SECONDS = 2.5


def story(number: int, age: float = 0, **fields: str) -> TraceBuilder:
    """Return a trace that began ``age`` seconds ago."""
    start = now() - round(age * SECOND)
    return TraceBuilder(f"{number:032}", start, name=f"t{number}", **fields).span("r")


def names(page: Page) -> list[str]:
    return page.locator(".list .open").all_text_contents()


def test_a_query_is_completed_by_the_keyboard_alone(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace(), TraceBuilder("b" * 32, name="other").span("r"))
    page = open_page(LIST)
    page.keyboard.press("/")
    box = page.locator(".query input")
    expect(box).to_be_focused()
    page.keyboard.type("nam")
    expect(page.locator("#complete [role=option]").first).to_contain_text("name:")
    page.keyboard.press("Tab")
    expect(box).to_have_value("name:")
    expect(page.locator("#complete [role=option]")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "option-2")
    page.keyboard.press("Enter")
    expect(box).to_have_value("name:resolve_ticket ")
    page.keyboard.press("Escape")
    expect(page.locator("#complete")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=name%3Aresolve_ticket"))
    expect(page.locator(".list .open")).to_have_text(["resolve_ticket"])


def test_facets_edit_the_text_and_back_restores_list_and_box(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace(), TraceBuilder("b" * 32, name="other").span("r"))
    page = open_page(LIST)
    box = page.locator(".query input")
    page.locator(".facet a", has_text="resolve_ticket").click()
    expect(box).to_have_value("name:resolve_ticket")
    expect(page.locator(".list .open")).to_have_text(["resolve_ticket"])
    page.locator(".facet a[aria-current]", has_text="resolve_ticket").click()
    expect(box).to_have_value("")
    page.go_back()
    expect(box).to_have_value("name:resolve_ticket")
    expect(page.locator(".list .open")).to_have_count(1)


def test_ctrl_k_goes_to_a_pasted_id_from_any_page(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/settings")
    page.keyboard.press("Control+k")
    expect(page.locator("#go-to input")).to_be_focused()
    page.keyboard.type("A" * 32)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/traces/{'a' * 32}$"))


def test_the_box_of_go_to_offers_pages_and_names_while_a_text_is_typed(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/settings")
    page.keyboard.press("Control+k")
    page.keyboard.type("use")
    offers = page.locator("#destinations a")
    expect(offers).to_have_text(["Users", "Traces of user user-417", "Search “use” in all traces"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(offers.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/traces\?q=user:user-417$"))
    # A pasted id is an offer, too.
    page.keyboard.press("Control+k")
    page.keyboard.type("a" * 32)
    expect(offers.first).to_have_text(f"Trace {'a' * 32}")


def test_bars_over_a_list_are_brushed_and_the_result_is_saved_as_a_view(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(*(story(number, 60 * number + 30) for number in range(8)))
    page = open_page(LIST)
    expect(page.locator(".sumline")).to_contain_text("8 traces")
    bars = page.locator(".hist a[data-period]")
    first, last = (bars.nth(n).locator(".hit").bounding_box() for n in (2, 5))
    assert first
    assert last
    page.mouse.move(first["x"] + 2, first["y"] + 9)
    page.mouse.down()
    page.mouse.move(last["x"] + 3, last["y"] + 9, steps=5)
    expect(page.locator(".hist a.on")).to_have_count(4)
    page.mouse.up()
    expect(page.locator(".query input")).to_have_value(re.compile(r"^start:\S+\.\.\S+$"))
    expect(page.locator(".sumline")).to_contain_text("4 traces")
    assert len(names(page)) == 4
    page.get_by_title("Save this list as a view").click()
    page.locator("#save-view [name=name]").fill("Middle")
    page.keyboard.press("Enter")
    tab = page.locator(".tabs [aria-current]")
    expect(tab).to_have_text("Middle")
    page.locator(".tabs a", has_text="All").click()
    expect(page.locator(".list .open")).to_have_count(8)
    page.locator(".tabs a", has_text="Middle").click()
    expect(page.locator(".list .open")).to_have_count(4)
    page.go_back()
    expect(page.locator(".list .open")).to_have_count(8)


def test_new_rows_slide_in_while_the_list_is_live_and_wait_while_it_is_paused(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(story(1, 60, user_id="u"), story(2, 50))
    page = open_page(f"{LIST}?q=user:u")
    page.keyboard.press("l")
    expect(page.get_by_text("Stop")).to_be_visible()
    store_traces(story(3, user_id="u"), story(4))
    committed = time.monotonic()
    expect(page.locator(".list .open")).to_have_text(["t3", "t1"])
    assert time.monotonic() - committed < VISIBLE_SECONDS
    expect(page.locator("tr.fresh .open")).to_have_text(["t3"])
    page.locator("#pause").click()
    store_traces(story(5, user_id="u"))
    expect(page.locator("#waiting")).to_have_text("1 new")
    assert names(page) == ["t3", "t1"]
    page.locator(".list .open", has_text="t1").focus()
    page.locator("#pause").press("Enter")
    expect(page.locator(".list .open")).to_have_text(["t5", "t3", "t1"])
    expect(page.locator("#waiting")).to_be_empty()


def test_a_column_is_resized_by_its_edge_and_stays_so(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page("/project/default/generations")
    name = page.locator("th[data-column=name]")
    box = name.bounding_box()
    assert box
    edge = box["x"] + box["width"] - 3
    page.mouse.move(edge, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(edge + 100, box["y"] + 9, steps=4)
    page.mouse.up()
    page.reload()
    after = name.bounding_box()
    assert after
    assert abs(after["width"] - box["width"] - 100) < 4
    expect(page).to_have_url(re.compile(r"columns=name%3A\d+"))


def test_lists_work_without_a_script(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(agent_trace(), story(1, 5))
    page = open_page(LIST, scripts=False)
    page.get_by_role("link", name="Generations").click()
    page.locator(".facet a", has_text="gpt-4o").first.click()
    expect(page.locator(".query input")).to_have_value("model:gpt-4o")
    page.get_by_role("link", name="Cost").first.click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Cost")
    page.get_by_role("link", name="Over time").click()
    expect(page.locator(".sumline")).to_contain_text("1 generation")
    page.locator("td a").first.click()
    expect(page.locator(".query input")).to_have_value(re.compile("^model:gpt-4o start:"))
    page.get_by_role("link", name="Users", exact=True).click()
    page.locator(".list .open", has_text="user-417").click()
    expect(page.locator("h1")).to_have_text("user-417")
