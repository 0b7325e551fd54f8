"""Logging in and out: who needs to, sessions, limits of attempts, one-time codes and links."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import PASSWORD, client_of, log_in, make_member
from tests.support.pages.requests import SAME_ORIGIN, post_form
from tracer.config import Config
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.members import totp
from tracer.store.members.attempts import PER_ACCOUNT, PER_ADDRESS
from tracer.store.members.links import create_password_link
from tracer.store.members.members import get_member, set_totp
from tracer.store.schema import login_attempts, member_sessions

TRACES = "/project/default/traces"


@pytest.fixture
def always(make_app: Callable[[Config], Flask], config: Config) -> Flask:
    """An application that asks for logins on loopback, too."""
    return make_app(dataclasses.replace(config, login="always"))


def test_on_loopback_without_members_nobody_logs_in(client: FlaskClient) -> None:
    assert client.get(TRACES).status_code == 200
    assert client.get("/api/v1/traces").status_code == 200


def test_on_loopback_with_a_member_pages_and_apis_need_a_login(app: Flask) -> None:
    make_member(app, "ada", "owner")
    client = app.test_client()
    page = client.get(f"{TRACES}?status=error")
    assert page.location == "/login?next=/project/default/traces?status%3Derror"
    assert client.get("/api/v1/traces").status_code == 401
    assert client.post("/v1/traces", json={}).status_code == 401
    assert client_of(app, "ada").get(TRACES).status_code == 200


def test_a_server_that_other_machines_reach_needs_a_login_whatever_its_settings(app: Flask) -> None:
    peer = {"REMOTE_ADDR": "10.1.2.3"}
    client = app.test_client()
    assert client.get(TRACES, environ_overrides=peer).location == "/first-owner"
    assert client.get("/api/v1/traces", environ_overrides=peer).status_code == 401


def test_without_members_every_page_leads_to_the_first_owner(always: Flask) -> None:
    client = always.test_client()
    assert client.get(TRACES).location == "/first-owner"
    assert client.get("/login").location == "/first-owner"
    assert client.get("/first-owner").status_code == 200


def test_a_login_leads_to_the_page_that_was_asked_for(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    answer = log_in(app.test_client(), "ada", next=f"{TRACES}?q=1")
    assert (answer.status_code, answer.location) == (303, f"{TRACES}?q=1")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "///evil.example",
    ],
)
def test_a_login_never_leads_to_another_site(app: Flask, elsewhere: str) -> None:
    make_member(app, "ada", "viewer")
    client = app.test_client()
    assert log_in(client, "ada", next=elsewhere).location == "/"
    assert client.get("/login", query_string={"next": elsewhere}).location == "/"


def test_the_cookie_is_not_for_scripts_or_other_sites(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    cookie = log_in(app.test_client(), "ada").headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Expires" not in cookie
    stays = log_in(app.test_client(), "ada", stay="on").headers["Set-Cookie"]
    assert "Max-Age=2592000" in stays


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    answer = app.test_client().post(
        "/login",
        base_url="https://localhost",
        data={"address": "ada@example.com", "password": PASSWORD},
        headers=SAME_ORIGIN,
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tracer_session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_login_replaces_a_token_that_was_planted_or_used_before(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    client = app.test_client()
    client.set_cookie("tracer_session", "planted")
    assert log_in(client, "ada").status_code == 303
    first = client.get_cookie("tracer_session")
    assert first is not None
    assert first.value != "planted"
    assert log_in(client, "ada").status_code == 303
    other = app.test_client()
    other.set_cookie("tracer_session", first.value)
    assert other.get(TRACES).status_code == 302
    assert client.get(TRACES).status_code == 200


def test_signing_out_ends_the_session_on_the_server(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    client = client_of(app, "ada")
    cookie = client.get_cookie("tracer_session")
    assert cookie is not None
    post_form(client, "/logout")
    client.set_cookie("tracer_session", cookie.value)
    assert client.get(TRACES).status_code == 302


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_ends_by_itself(app: Flask, column: str) -> None:
    make_member(app, "ada", "viewer")
    client = client_of(app, "ada")
    with app.app_context(), transaction():
        past = db.func.now() - db.text("interval '8 days'")
        db.session.execute(member_sessions.update().values({column: past}))
    assert client.get(TRACES).status_code == 302


def test_wrong_passwords_count_down_to_a_pause_that_another_process_keeps(
    app: Flask, make_app: Callable[[Config], Flask], config: Config
) -> None:
    make_member(app, "ada", "viewer")
    client = app.test_client()
    for left in range(PER_ACCOUNT - 1, 0, -1):
        answer = log_in(client, "ada", "wrong")
        assert answer.status_code == 401
        assert f"{left} more {'try' if left == 1 else 'tries'}" in answer.text
    assert log_in(client, "ada", "wrong").status_code == 429
    another = make_app(config).test_client()
    answer = log_in(another, "ada")
    assert answer.status_code == 429
    assert "5 minutes" in answer.text


def test_after_the_pause_a_right_password_is_taken_and_the_failures_are_forgotten(
    app: Flask,
) -> None:
    make_member(app, "ada", "viewer")
    client = app.test_client()
    for _ in range(PER_ACCOUNT):
        log_in(client, "ada", "wrong")
    with app.app_context(), transaction():
        past = db.func.now() - db.text("interval '1 second'")
        db.session.execute(login_attempts.update().values(blocked_until=past))
    assert log_in(client, "ada").status_code == 303
    answer = log_in(app.test_client(), "ada", "wrong")
    assert f"{PER_ACCOUNT - 1} more tries" in answer.text


def test_an_address_that_tries_many_accounts_has_to_wait(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    client = app.test_client()
    statuses = [log_in(client, f"user{n}", "wrong").status_code for n in range(PER_ADDRESS)]
    assert statuses == [401] * (PER_ADDRESS - 1) + [429]
    assert log_in(client, "ada").status_code == 429


def test_an_unknown_account_is_answered_like_a_wrong_password(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    texts = [log_in(app.test_client(), name, "wrong").text for name in ("ada", "bob")]
    assert texts[0].replace("ada@", "bob@") == texts[1]


def test_an_unknown_account_takes_the_time_of_a_wrong_password(app: Flask) -> None:
    make_member(app, "ada", "viewer")

    def seconds(name: str) -> float:
        # Of the processor: the machine may be busy with something else.
        times = []
        for _ in range(4):
            start = time.process_time()
            log_in(app.test_client(), name, "wrong")
            times.append(time.process_time() - start)
        return min(times)

    known, unknown = seconds("ada"), seconds("bob")
    assert 0.5 < known / unknown < 2


def test_a_member_with_one_time_codes_needs_one_and_each_works_once(app: Flask) -> None:
    member = make_member(app, "ada", "viewer")
    secret = totp.new_secret()
    with app.app_context(), transaction():
        set_totp(member.member_id, secret)
    client = app.test_client()
    answer = log_in(client, "ada")
    assert answer.status_code == 401
    assert 'name="code"' in answer.text
    assert log_in(client, "ada", code="000000").status_code == 401
    code = totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS)
    assert log_in(client, "ada", code=code).status_code == 303
    assert log_in(app.test_client(), "ada", code=code).status_code == 401


def test_a_link_sets_a_new_password_once_and_ends_the_sessions(app: Flask) -> None:
    member = make_member(app, "ada", "viewer")
    before = client_of(app, "ada")
    with app.app_context(), transaction():
        code = create_password_link(member.member_id)
    client = app.test_client()
    assert client.get(f"/password/{code}").status_code == 200
    weak = post_form(client, f"/password/{code}", 422, password="passwordpassword")
    assert "among the first" in weak.text
    assert "9 characters" in post_form(client, f"/password/{code}", 422, password="ninechars").text
    post_form(client, f"/password/{code}", password="another-violet-owl")
    post_form(client, f"/password/{code}", 404, password="a-third-violet-owl")
    assert before.get(TRACES).status_code == 302
    assert log_in(client, "ada").status_code == 401
    assert log_in(client, "ada", "another-violet-owl").status_code == 303
    with app.app_context():
        stored = get_member(member.member_id)
        assert stored is not None
        assert str(stored.password_hash).startswith("$argon2id$")
