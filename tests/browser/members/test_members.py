"""Members in a browser, with and without scripts: from the first owner to the audit log."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from urllib.parse import quote

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.support.access.members import PASSWORD, make_member
from tests.support.access.oidc_provider import CLIENT, SECRET, OidcProvider, oidc_provider
from tests.support.pages.browser import WIDTHS, OpenPage, accessibility_faults
from tracer.config import Config
from tracer.store.database.session import transaction
from tracer.store.members.links import create_password_link, first_owner_code
from tracer.store.members.mail_server import set_mail_server

SETTINGS = "/project/default/settings"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    """A provider that logs in Eve, whose domain may join."""
    with oidc_provider() as running:
        running.person |= {"name": "Eve", "email": "eve@example.com", "email_verified": True}
        yield running


@pytest.fixture
def app(make_app: Callable[[Config], Flask], config: Config, provider: OidcProvider) -> Flask:
    """The application, which asks for logins and has a provider."""
    address = provider.url.replace("http://", f"http://{CLIENT}:{quote(SECRET)}@")
    login = f"{address}/?name=Team&join=example.com:default:viewer"
    made = make_app(dataclasses.replace(config, login=login))
    with made.app_context(), transaction():
        set_mail_server("smtp://127.0.0.1:1/?from=tracer@example.com")
    return made


@pytest.fixture
def code(app: Flask, database_url: str) -> str:  # noqa: ARG001 - the application comes first
    """The code with which the first owner is created."""
    with psycopg.connect(database_url) as connection:
        return first_owner_code(connection)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Address").fill(f"{name}@example.com")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def create_owner(page: Page, code: str) -> None:
    page.get_by_label("Setup code").fill(code)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create owner and continue").click()
    page.wait_for_url("**/project/default/**")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_team_from_its_first_owner_to_the_audit_log(
    open_page: OpenPage, code: str, provider: OidcProvider, faults: list[str], scripts: bool
) -> None:
    # The first owner, who makes a second project and switches to it on the same page.
    ada = open_page("/", scripts=scripts)
    site = ada.url.partition("/first-owner")[0]
    create_owner(ada, code)
    ada.goto(f"{site}{SETTINGS}/projects")
    ada.get_by_label("Id", exact=True).fill("shop")
    ada.get_by_label("Name", exact=True).fill("Shop")
    ada.get_by_role("button", name="Create project").click()
    ada.goto(f"{site}/project/default/sessions")
    ada.get_by_title("Switch project").click()
    ada.get_by_role("navigation", name="Projects").get_by_role("link", name="Shop").click()
    expect(ada).to_have_url(f"{site}/project/shop/sessions")

    # An invitation, opened by the person who is invited.
    ada.goto(f"{site}{SETTINGS}/members")
    ada.get_by_label("Address").fill("bob@example.com")
    ada.get_by_label("Role", exact=True).select_option("admin")
    ada.get_by_role("button", name="Create invitation").click()
    link = ada.locator("#link").inner_text()
    bob = open_page(link.removeprefix(site), scripts=scripts)
    bob.get_by_label("Name").fill("Bob")
    bob.get_by_label("Password").fill(PASSWORD)
    bob.get_by_role("button", name="Join", exact=True).click()
    bob.wait_for_url("**/project/default/**")
    expect(bob.get_by_title("Signed in as Bob")).to_be_visible()

    # A key is made, rotated and revoked; each secret is shown once.
    bob.goto(f"{site}{SETTINGS}/keys")
    bob.get_by_label("Name", exact=True).fill("ci")
    bob.get_by_role("button", name="Create key").click()
    first = bob.locator("#secret").inner_text()
    bob.get_by_role("button", name="Rotate ci").first.click()
    second = bob.locator("#secret").inner_text()
    assert first.startswith("sk-tr-")
    assert second.startswith("sk-tr-")
    assert first != second
    expect(bob.get_by_role("button", name="Rotate ci")).to_have_count(2)
    bob.goto(f"{site}{SETTINGS}/keys")
    assert second not in bob.content()
    bob.get_by_role("button", name="Revoke ci").first.click()
    bob.get_by_role("button", name="Revoke", exact=True).click()
    expect(bob.get_by_role("button", name="Rotate ci")).to_have_count(1)

    # A second session, ended from the first; its next click leads to the login.
    other = open_page("/account", scripts=scripts)
    sign_in(other, "bob", "wrong")
    expect(other.get_by_role("alert")).to_contain_text("don’t match")
    faults.clear()  # the browser's console names the status of a refused login
    sign_in(other, "bob")
    expect(other).to_have_url(f"{site}/account")
    bob.goto(f"{site}/account")
    bob.get_by_role("button", name="End", exact=True).click()
    expect(bob.get_by_role("button", name="End", exact=True)).to_have_count(0)
    other.goto(f"{site}/account")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

    # Single sign-on: the provider sends the browser back, and the domain may join.
    eve = open_page("/login", scripts=scripts)
    eve.get_by_role("link", name="Continue with Team").click()
    expect(eve.get_by_title("Signed in as Eve")).to_be_visible()
    assert all(fault.startswith(provider.url) for fault in faults)
    faults.clear()

    # All of it is in the audit log.
    ada.goto(f"{site}/project/default/audit")
    ada.get_by_label("Query").fill("actor:Bob action:key")
    ada.get_by_role("button", name="Show").click()
    expect(ada.get_by_role("row").filter(has_text="key.")).to_have_count(3)
    ada.goto(f"{site}/server/audit?q=login")
    expect(ada.get_by_role("row").filter(has_text="login.failed")).to_contain_text("bob@")


def test_the_pages_of_members_are_accessible_in_both_themes_and_fit(
    app: Flask, open_page: OpenPage, code: str
) -> None:
    page = open_page("/first-owner")
    site = page.url.partition("/first-owner")[0]
    problems = problems_of(page)
    create_owner(page, code)
    bob = make_member(app, "bob", "viewer")
    with app.app_context(), transaction():
        link = create_password_link(bob.member_id)
    page.goto(f"{site}{SETTINGS}/members")
    page.get_by_label("Address").fill("a-very-long-name-of-somebody-new@example.com")
    page.get_by_role("button", name="Create invitation").click()
    problems += problems_of(page)
    invitation = page.locator("#link").inner_text()
    page.goto(f"{site}{SETTINGS}/keys")
    page.get_by_label("Name", exact=True).fill("ci")
    page.get_by_role("button", name="Create key").click()
    problems += problems_of(page)
    page.goto(f"{site}/account")
    page.get_by_label("Name of the token").fill("mcp")
    page.get_by_role("button", name="Create token").click()
    problems += problems_of(page)
    for path in (f"{SETTINGS}/projects", "/project/default/audit", "/server/audit"):
        page.goto(f"{site}{path}")
        problems += problems_of(page)
    stranger = open_page("/login")
    for path in ("/login", "/login/forgotten", f"/password/{link}", invitation.removeprefix(site)):
        stranger.goto(f"{site}{path}")
        problems += problems_of(stranger)
    assert problems == []


def problems_of(page: Page) -> list[str]:
    """Return the accessibility faults of a page in both themes, and where it does not fit."""
    problems = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        problems += [f"{page.url}, {scheme}: {fault}" for fault in accessibility_faults(page)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        scroll_width = page.evaluate("document.documentElement.scrollWidth")
        if scroll_width > width:
            problems.append(f"{page.url}: {scroll_width} px in a window of {width} px")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return problems
