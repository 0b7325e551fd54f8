"""A lost password: where a mail server is set, a link arrives by mail, once, for members only."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.access.mail_receiver import mail_receiver
from tests.support.access.members import client_of, log_in, make_member
from tests.support.pages.requests import SAME_ORIGIN
from tests.support.waiting import wait_until
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.store.database.session import transaction
from tracer.store.members.mail_server import set_mail_server
from tracer.web import mail

Mails = list[tuple[str, EmailMessage]]
NEW = "otter-marble-quartz-3"


@pytest.fixture
def mails() -> Iterator[tuple[str, Mails]]:
    with mail_receiver() as (url, received):
        yield url, received


@pytest.fixture
def app(make_app: Callable[[Config], Flask], config: Config, mails: tuple[str, Mails]) -> Flask:
    """The application with a mail server and a member."""
    hosts = "tracer.example.com, other.example.com"
    made = make_app(dataclasses.replace(config, login="always", allowed_hosts=hosts))
    make_member(made, "ada", "owner")
    with made.app_context(), transaction():
        set_mail_server(mails[0])
    return made


def ask(app: Flask, email: str, **headers: str) -> TestResponse:
    sent = {**SAME_ORIGIN, **headers}
    return app.test_client().post("/login/forgotten", data={"address": email}, headers=sent)


def link_of(received: Mails) -> str:
    """Wait for the last mail and return the link in it."""
    wait_until(lambda: bool(received), "a mail")
    _, message = received.pop()
    [link] = re.findall(r"https?://\S+", message.get_content())
    return str(link)


def test_a_mailed_link_sets_a_new_password_once(app: Flask, mails: tuple[str, Mails]) -> None:
    assert "/login/forgotten" in app.test_client().get("/login").text
    assert "Send the link" in app.test_client().get("/login/forgotten").text
    session = client_of(app, "ada")
    page = ask(app, "ADA@example.com")
    assert page.status_code == 200
    wait_until(lambda: bool(mails[1]), "a mail")
    recipient, message = mails[1][-1]
    assert recipient == message["To"] == "ada@example.com"
    assert message["From"] == "tracer@example.com"
    path = link_of(mails[1]).removeprefix("http://localhost")
    for status in (303, 404):
        answer = app.test_client().post(path, data={"password": NEW}, headers=SAME_ORIGIN)
        assert answer.status_code == status
    assert log_in(app.test_client(), "ada", NEW).status_code == 303
    assert session.get("/account").status_code == 302


def test_an_address_without_a_member_gets_the_same_answer_and_no_mail(
    app: Flask, mails: tuple[str, Mails]
) -> None:
    pages = [ask(app, f"{name}@example.com").text for name in ("ada", "bob")]
    assert pages[0].replace("ada@", "bob@") == pages[1]
    link_of(mails[1])
    assert mails[1] == []
    assert ask(app, "no address").status_code == 422


def test_the_link_leads_to_a_name_of_this_server_whatever_host_the_request_names(
    app: Flask, mails: tuple[str, Mails]
) -> None:
    ask(app, "ada@example.com", Host="6.6.6.6")
    assert link_of(mails[1]).startswith("http://tracer.example.com/password/")
    ask(app, "ada@example.com", Host="other.example.com")
    assert link_of(mails[1]).startswith("http://other.example.com/password/")
    assert ask(app, "ada@example.com", Host="evil.example").status_code == 421


def test_an_account_is_mailed_five_times_and_then_has_to_wait(
    app: Flask, mails: tuple[str, Mails]
) -> None:
    for _ in range(8):
        assert ask(app, "ada@example.com").status_code == 200
    wait_until(lambda: len(mails[1]) == 5, "five mails")
    # The login has limits of its own.
    assert client_of(app, "ada")


def test_without_a_mail_server_there_is_no_form(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    app = make_app(dataclasses.replace(config, login="always"))
    make_member(app, "ada", "owner")
    assert "tracer members password" in app.test_client().get("/login").text
    assert app.test_client().get("/login/forgotten").status_code == 404
    assert ask(app, "ada@example.com").status_code == 404


@pytest.mark.parametrize(
    "url", ["smtp://host", "http://u:hunter2@h/?from=a@b", "smtp://h:x/?from=a@b", ""]
)
def test_a_mail_server_needs_a_sender_and_a_port(url: str) -> None:
    with pytest.raises(ConfigError, match="smtp://user") as refusal:
        mail.parse(url)
    assert "hunter2" not in str(refusal.value)
