"""Every annotation is made in a browser, with scripts and without; a shared page is opened."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, agent_trace, now

TRACE = f"/project/default/traces/{'a' * 32}"
SESSION = "/project/default/sessions/chat_91c2"
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


def star(page: Page) -> None:
    button = page.get_by_role("button", name="Bookmark")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def comment(page: Page, text: str) -> None:
    form = page.get_by_role("form", name="Comment")
    form.get_by_label("New comment").fill(text)
    if form.get_by_label("Your name").count():
        form.get_by_label("Your name").fill("Ada")
    form.get_by_role("button", name="Comment").click()


def edit_and_delete_comment(page: Page) -> None:
    remark = page.locator("article.remark").filter(has_text="first words")
    expect(remark.locator("strong")).to_have_text("words")
    remark.get_by_text("Edit or delete").click()
    remark.get_by_label("Comment", exact=True).fill("second thoughts")
    remark.get_by_role("button", name="Save").click()
    remark = page.locator("article.remark").filter(has_text="second thoughts")
    remark.get_by_text("1 earlier version").click()
    expect(remark.locator(".was")).to_contain_text("first words")
    remark.get_by_text("Edit or delete").click()
    remark.get_by_role("button", name="Delete comment").click()
    expect(page.locator("article.remark")).to_have_count(0)


def judge(page: Page) -> None:
    form = page.get_by_role("form", name="Score")
    expect(form).to_be_hidden()
    page.get_by_text("Add a score").click()
    form.get_by_label("Score").fill("stars")
    form.get_by_label("Value").fill("4")
    form.get_by_label("To", exact=True).fill("5")
    expect(form.get_by_label("Category", exact=True)).to_be_hidden()
    if form.get_by_label("Your name").count():
        form.get_by_label("Your name").fill("Ada")
    form.get_by_role("button", name="Add score").click()
    remark = page.locator("li.remark").filter(has_text="stars")
    expect(remark).to_contain_text("4 of 5")
    remark.get_by_text("Edit or delete").click()
    remark.get_by_label("Type").select_option("boolean")
    remark.get_by_label("Answer").select_option("yes")
    remark.get_by_role("button", name="Save").click()
    expect(remark).to_contain_text("stars yes")
    remark.get_by_text("Edit or delete").click()
    remark.get_by_role("button", name="Delete score").click()
    expect(remark).to_have_count(0)


@SCRIPTS
def test_a_trace_is_annotated(
    store_traces: StoreTraces, open_page: OpenPage, scripts: bool
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE, scripts=scripts)
    star(page)
    page.get_by_role("button", name="Edit tags").click()
    form = page.get_by_role("form", name="Edit tags")
    form.get_by_label("agent").uncheck()
    form.get_by_label("Add").fill("looked at")
    form.get_by_role("button", name="Save tags").click()
    expect(page.locator(".head a.tag", has_text="looked at")).to_be_visible()
    expect(page.locator(".head a.tag", has_text=re.compile("^agent$"))).to_have_count(0)
    page.get_by_role("link", name="Comments", exact=True).first.click()
    comment(page, "first **words**")
    expect(page.get_by_text("as Ada").first).to_be_visible()
    edit_and_delete_comment(page)
    page.locator("#panel").get_by_role("link", name="Scores").click()
    judge(page)


@SCRIPTS
def test_a_span_is_commented_and_scored(
    store_traces: StoreTraces, open_page: OpenPage, scripts: bool
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}?span=root&tab=comments", scripts=scripts)
    comment(page, "first **words**")
    edit_and_delete_comment(page)
    page.locator("#panel").get_by_role("link", name="Scores").click()
    judge(page)
    expect(page.locator("#s-root")).to_have_attribute("aria-current", "true")


@SCRIPTS
def test_a_session_is_annotated(
    store_traces: StoreTraces, open_page: OpenPage, scripts: bool
) -> None:
    short = TraceBuilder("b" * 32, now() - 4000 * SECOND, name="short", session_id="chat_91c2")
    store_traces(agent_trace(), short.span("root", None, 0, 0.01))
    page = open_page(SESSION, scripts=scripts)
    star(page)
    comment(page, "first **words**")
    edit_and_delete_comment(page)
    judge(page)
    page.set_viewport_size({"width": 390, "height": 900})
    # The idle time after a short trace does not cover its bar.
    page.locator(".lane a").first.click()
    expect(page).to_have_url(re.compile("#t1$"))


@SCRIPTS
def test_a_share_link_is_created_opened_and_revoked(
    store_traces: StoreTraces, open_page: OpenPage, scripts: bool
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE, scripts=scripts)
    page.get_by_role("button", name="Share").click()
    if not scripts:
        page.get_by_role("link", name="Share links").click()
    expect(page.locator("#share-links .alert")).to_contain_text("works on this machine only")
    page.get_by_role("button", name="Create link").click()
    address = page.locator("#made").inner_text()
    if scripts:
        page.locator("#share-links [data-copy]").click()
        expect(page.locator("#status")).to_contain_text("copied")
        assert page.evaluate("navigator.clipboard.readText()") == address
        assert page.url.endswith(TRACE)
    path = "/share/" + address.partition("/share/")[2]
    shared = open_page(path, scripts=scripts)
    expect(shared.locator("h1")).to_have_text("resolve_ticket")
    shared.locator(".tree .row a").nth(1).click()
    expect(shared.locator("#panel #input")).to_be_visible()
    expect(shared).to_have_url(re.compile("/share/.*span="))
    assert shared.locator("form").count() == 0
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked", exact=True)).to_be_visible()


@SCRIPTS
def test_a_trace_is_deleted(store_traces: StoreTraces, open_page: OpenPage, scripts: bool) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE, scripts=scripts)
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delete the trace")
    page.get_by_role("button", name="Delete permanently").click()
    expect(page).to_have_url(re.compile("/project/default/traces$"))


def test_an_error_of_a_form_is_shown_at_the_form(
    store_traces: StoreTraces, open_page: OpenPage, faults: list[str]
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}?tab=scores")
    page.get_by_text("Add a score").click()
    form = page.get_by_role("form", name="Score")
    form.get_by_label("Score").fill("stars")
    form.get_by_label("Value").fill("9")
    form.get_by_label("To", exact=True).fill("5")
    form.get_by_label("Your name").fill("Ada")
    form.get_by_role("button", name="Add score").click()
    expect(page.get_by_role("status")).to_contain_text("9 is outside the range any to 5.")
    expect(form.get_by_label("Value")).to_have_value("9")
    assert [fault for fault in faults if "422" not in fault] == []
    faults.clear()


def test_a_hostile_comment_does_nothing(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}?tab=comments")
    comment(
        page,
        "<img src=x onerror=alert(1)> ![x](//evil.example/x.png) <b hx-get=/>"
        " [a](javascript:alert(1))",
    )
    expect(page.locator("article.remark")).to_contain_text("onerror")
    page.locator("article.remark .md").click()
    assert page.locator("article.remark .md img, article.remark .md [hx-get]").count() == 0


@pytest.mark.parametrize("width", [1440, 900, 390])
def test_popovers_open_beside_their_buttons_within_the_window(
    store_traces: StoreTraces, open_page: OpenPage, width: int
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE, width=width)
    popovers = {"Edit tags": "tag-form", "Score": "score", "Share": "share", "Export": "export"}
    for name, popover in popovers.items():
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        shown, beside = page.locator(f"#{popover}").bounding_box(), button.bounding_box()
        assert shown is not None
        assert beside is not None
        assert shown["x"] >= 0
        assert shown["x"] + shown["width"] <= width
        if width > 640 or name == "Export":
            below = shown["y"] - beside["y"] - beside["height"]
            assert 0 <= below < 20, name
            assert shown["x"] <= beside["x"] + beside["width"], name
            assert shown["x"] + shown["width"] >= beside["x"], name
        else:
            assert abs(shown["y"] + shown["height"] - 900) < 2, name
        page.keyboard.press("Escape")


def test_the_name_of_an_author_comes_before_the_button(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    for tab in ("scores", "comments"):
        page = open_page(f"{TRACE}?tab={tab}")
        form = page.locator("#panel form.writing")
        fields = form.locator("input:not([type=hidden]), textarea, button")
        order = [field.get_attribute("name") or "button" for field in fields.all()]
        assert order[-2:] == ["reader", "button"]
