"""A price is added, tried, cloned and retired in a browser without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder


def test_a_price_from_an_unpriced_model_to_its_end_without_scripts(
    store_traces: StoreTraces, open_page: OpenPage, faults: list[str]
) -> None:
    used = {"kind": "generation", "model": "house-model", "usage": {"input": 1_000_000}}
    store_traces(TraceBuilder("t1", name="ask").span("s", **used))
    page = open_page("/project/default/settings", scripts=False)
    page.get_by_role("link", name="Prices").click()
    page.get_by_role("link", name="Add a price for house-model").click()
    expect(page.get_by_label("Model", exact=True)).to_have_value("house-model")
    page.get_by_role("button", name="Add price").click()
    expect(page.get_by_role("alert")).to_contain_text("Base, input: expected at least one price")
    # The browser's console logs each response that is no success; this one is expected.
    assert [fault for fault in faults if "422" not in fault] == []
    faults.clear()
    page.get_by_role("link", name="Base, input").click()
    expect(page.get_by_label("Base: price of input", exact=True)).to_be_focused()
    page.get_by_label("Base: price of input", exact=True).fill("2.50")
    page.get_by_role("button", name="Another tier").click()
    page.get_by_label("Tier 2: parameters").fill("service_tier=flex")
    page.get_by_label("Tier 2: price of input", exact=True).fill("1.25")
    page.get_by_role("button", name="Add price").click()
    row = page.get_by_role("region", name="Prices of this project").get_by_role("row").last
    expect(row).to_contain_text("input $2.50 1 tier")

    store_traces(
        TraceBuilder("t2", name="ask").span("s", **used, model_parameters={"service_tier": "flex"})
    )
    page.get_by_label("Model", exact=True).fill("House-Model")
    page.get_by_role("button", name="Test").click()
    expect(page.locator(".answer")).to_contain_text("This project's price house-model")
    page.get_by_role("link", name="Clone house-model").click()
    expect(page.get_by_label("Tier 1: parameters")).to_have_value("service_tier=flex")
    page.go_back()
    page.get_by_role("link", name="Retire… house-model").click()
    expect(page.get_by_role("region", name="Affected calls")).to_contain_text("unpriced")
    page.get_by_role("button", name="Retire this price").click()
    expect(row).to_contain_text("retired")

    page.goto(page.url.partition("/prices")[0] + "/traces/t2?span=s")
    page.get_by_role("link", name="cost from this project's price house-model").click()
    page.get_by_role("button", name="Restore this price").click()
    expect(row).to_contain_text("in use")
