"""Queries in the browser: completion by keyboard, facets that edit the text, back."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace

LIST = "/project/default/traces"


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
