"""Under the real content security policy, nothing that an application sent does anything."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import expect

from tests.browser.conftest import Open, Tell
from tests.ui.test_hostile import BAD, ID, hostile


def test_hostile_text_runs_nothing_and_loads_nothing(tell: Tell, visit: Open) -> None:
    tell(hostile())
    page = visit("/project/default/traces")
    page.locator("a.open").click()
    for tab in ("io", "metadata", "events", "scores", "raw"):
        page.goto(f"{page.url.partition('?')[0]}?span={quote(BAD, safe='')}&tab={tab}")
        expect(page.locator("#panel h2").first).to_contain_text("<script>")
    page.goto(page.url.replace(f"/traces/{ID}", "/sessions").partition("?")[0])
    page.locator("a.open").click()
    expect(page.locator("h1")).to_contain_text("<script>")
    page.wait_for_timeout(300)  # the fixture asks afterwards what ran and what was requested
