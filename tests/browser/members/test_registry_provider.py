"""Login in a browser by a provider that others wrote: groups, domains, refusals, PKCE and nonce."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.support.access.members import make_member
from tests.support.access.registry_provider import (
    RegistryProvider,
    login_setting,
    registry_provider,
)
from tests.support.environments import CannotInstall
from tests.support.http import free_port
from tests.support.pages.browser import OpenPage
from tracer.config import Config
from tracer.store.members.members import list_members
from tracer.store.members.roles import roles_of

pytestmark = pytest.mark.slow

ADA = {"name": "Ada", "email": "ada@example.com", "email_verified": True, "groups": ["admins"]}
EVE = {"name": "Eve", "email": "eve@elsewhere.example", "email_verified": True}
BOB = {"name": "Bob", "email": "bob@example.com", "email_verified": False}
OWNER = "root"
RULES = "name=Team&join=example.com:default:viewer&role=admins:default:admin"


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the provider."""
    return free_port()


@pytest.fixture
def app(make_app: Callable[[Config], Flask], config: Config, port: int) -> Flask:
    """The application, which has an owner already and the provider for everybody else."""
    made = make_app(dataclasses.replace(config, login=login_setting(port, RULES)))
    make_member(made, OWNER, "owner")
    return made


@pytest.fixture
def provider(site: str, port: int, tmp_path: Path) -> Iterator[RegistryProvider]:
    """The running provider."""
    people = {"ada": ADA, "eve": EVE, "bob": BOB}
    try:
        with registry_provider(port, f"{site}/login/oidc/callback", people, tmp_path) as running:
            yield running
    except CannotInstall as reason:
        pytest.skip(str(reason))


def sign_on(page: Page, login: str) -> None:
    """Log in on the pages of the provider, and consent."""
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def roles(app: Flask) -> dict[str, dict[str, str]]:
    """Return the roles of each member but the owner, by name."""
    with app.app_context():
        members = [member for member in list_members() if member.name != OWNER]
        return {member.name: roles_of(member.member_id) for member in members}


def test_people_log_in_with_the_roles_that_the_provider_gives_them(
    app: Flask, open_page: OpenPage, provider: RegistryProvider, faults: list[str]
) -> None:
    # The first login, from the page that needs it and back to it.
    ada = open_page("/login?next=/project/default/sessions")
    ada.get_by_role("link", name="Continue with Team").click()
    sign_on(ada, "ada")
    ada.wait_for_url("**/project/default/sessions")
    expect(ada.get_by_title("Signed in as Ada")).to_be_visible()
    assert roles(app) == {"Ada": {"default": "admin"}}

    # The answer that led back logs nobody in a second time.
    callbacks: list[str] = []
    ada.on("request", lambda sent: callbacks.append(sent.url) if "callback" in sent.url else None)
    ada.goto(f"{ada.url.partition('/project')[0]}/login/oidc")
    ada.wait_for_url("**/project/default/**")
    again = open_page(callbacks[-1].partition(str(_site(ada)))[2])
    expect(again.locator("main")).to_contain_text("begun in another browser")

    # Who has left the group has the role of the domain at the next login.
    provider.know({"ada": {**ADA, "groups": []}, "eve": EVE, "bob": BOB})
    ada.goto(f"{_site(ada)}/login/oidc")
    ada.wait_for_url("**/project/default/**")
    assert roles(app) == {"Ada": {"default": "viewer"}}

    # A stranger, an address that is not verified, and a login that is given up.
    for login in ("eve", "bob"):
        stranger = open_page("/login/oidc")
        sign_on(stranger, login)
        expect(stranger.locator("main")).to_contain_text("ask for an invitation")
    given_up = open_page("/login/oidc")
    given_up.get_by_role("link", name="Cancel").click()
    expect(given_up.locator("main")).to_contain_text("did not sign you in")
    assert roles(app) == {"Ada": {"default": "viewer"}}
    faults.clear()  # the pages of the provider, and the refusals


def _site(page: Page) -> str:
    return page.url.partition("/project")[0]
