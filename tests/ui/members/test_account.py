"""The account: name, password, sessions, tokens; and the audit log of it all."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import PASSWORD, client_of, log_in, make_member
from tests.support.pages.requests import post_form
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.members import totp
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project
from tracer.store.schema import audit_events
from tracer.ui.render.time_zone import COOKIE

TRACES = "/project/default/traces"


def token_in(text: str) -> str:
    return re.findall(r'data-copy="(trt_[\w-]+)"', text)[0]


def read(client: FlaskClient, token: str, **headers: str) -> int:
    sent = {"Authorization": f"Bearer {token}", **headers}
    return client.get("/api/v1/traces", headers=sent).status_code


def test_a_changed_password_ends_the_other_sessions_and_renews_this_one(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    here, there = client_of(app, "ada"), client_of(app, "ada")
    before = here.get_cookie("tracer_session")
    form = {"current": PASSWORD, "password": "another-violet-owl"}
    post_form(here, "/account/password", 422, **form | {"current": "wrong"})
    post_form(here, "/account/password", 422, **form | {"password": "ada@example.com"})
    post_form(here, "/account/password", **form)
    after = here.get_cookie("tracer_session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert here.get(TRACES).status_code == 200
    assert there.get(TRACES).status_code == 302


def test_sessions_are_listed_and_ended(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    here, there, third = (client_of(app, "ada") for _ in range(3))
    page = here.get("/account").text
    actions = re.findall(r'action="(/account/sessions/\w+)"', page)
    assert len(actions) == 2
    assert page.count("this one") == 1
    post_form(here, actions[0])
    assert sorted(c.get(TRACES).status_code for c in (there, third)) == [200, 302]
    post_form(here, "/account/sessions")
    assert [c.get(TRACES).status_code for c in (here, there, third)] == [200, 302, 302]


def test_a_member_ends_no_session_and_no_token_of_another(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    make_member(app, "bob", "viewer")
    ada, bob = client_of(app, "ada"), client_of(app, "bob")
    ada_second = client_of(app, "ada")
    page = post_form(ada, "/account/tokens", 200, token="mine", kind="read", days="30").text
    for action in re.findall(r'action="(/account/(?:sessions|tokens)/\w+)"', page):
        post_form(bob, action, 404)
    assert ada_second.get(TRACES).status_code == 200
    assert read(bob, token_in(page)) == 200


def test_a_token_is_the_member_in_each_project_within_its_own_rights(app: Flask) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        create_project("third", "Third")
    member = make_member(app, "ada", "admin")
    from tracer.store.members.roles import set_role

    client = client_of(app, "ada")
    page = post_form(client, "/account/tokens", 200, token="mcp", kind="read", days="30").text
    token = token_in(page)
    assert token not in client.get("/account").text
    anyone = app.test_client()
    assert read(anyone, token) == 200
    with app.app_context(), transaction():
        set_role("other", member.member_id, "viewer")
    assert read(anyone, token) == 401
    assert read(anyone, token, **{"Tracer-Project": "other"}) == 200
    assert read(anyone, token, **{"Tracer-Project": "third"}) == 401
    basic = anyone.get("/api/v1/traces", auth=("default", token))
    assert basic.status_code == 200
    headers = {"Authorization": f"Bearer {token}", "Tracer-Project": "default"}
    assert anyone.post("/api/v1/traces", json={"name": "t"}, headers=headers).status_code == 403
    [action] = re.findall(r'action="(/account/tokens/\w+)"', page)
    post_form(client, action)
    assert read(anyone, token, **{"Tracer-Project": "default"}) == 401


def test_one_time_codes_begin_with_a_confirmed_code_and_end_with_the_password(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    client = client_of(app, "ada")
    begun = post_form(client, "/account/codes", 200, current=PASSWORD).text
    [secret] = re.findall(r'name="secret" value="(\w+)"', begun)
    wrong = {"current": PASSWORD, "secret": secret, "code": "12345"}
    post_form(client, "/account/codes", 422, **wrong)
    code = totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS)
    post_form(client, "/account/codes", **wrong | {"code": code})
    assert log_in(app.test_client(), "ada").status_code == 401
    post_form(client, "/account/codes", 422, current="wrong")
    post_form(client, "/account/codes", current=PASSWORD)
    assert log_in(app.test_client(), "ada").status_code == 303


def test_everything_is_in_the_audit_log_and_no_secret_is(app: Flask) -> None:
    make_member(app, "boss", "owner", administrator=True)
    client = client_of(app, "boss")
    log_in(app.test_client(), "boss", "wrong-password-1")
    log_in(app.test_client(), "boss", "wrong-password-1")
    made = post_form(
        client, "/project/default/settings/keys", 201, name="ci", kind="all", days=""
    ).text
    secret = re.findall(r'data-copy="(sk-tr-[\w-]+)"', made)[0]
    rates = {"model": "m", "rates": {"base": {"input": 1}}}
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.post("/api/v1/prices", json=rates, headers=headers).status_code == 201
    page = client.get("/server/audit").text
    for words in ("login.failed", "2 times", "key.create", "create_price", "boss@example.com"):
        assert words in page, words
    assert "wrong-password-1" not in page
    assert secret not in page
    for query in ("action:login.f", "action:refused,login.failed"):
        only = client.get(f"/server/audit?q={query}").text
        assert "login.failed" in only
        assert "key.create" not in only
    assert re.search(r">Keys <small>\s*1</small>", page)
    file = client.get("/server/audit?q=action:key&format=jsonl").text.splitlines()
    assert [json.loads(line)["action"] for line in file] == ["key.create"]
    lines = client.get("/api/v1/audit", headers=headers).text.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["action"] for event in events] == ["create_price", "key.create"]
    assert events[0]["via"] == "key"
    assert events[0]["address"] == "127.0.0.1"
    assert all(event["request_id"] for event in events)


def test_a_refused_request_is_in_the_log_of_the_project(app: Flask) -> None:
    make_member(app, "ada", "viewer")
    with app.app_context(), transaction():
        _, secret = create_key("default", "boss")
    client = client_of(app, "ada")
    assert client.get("/project/default/audit").status_code == 403
    assert client.get("/project/default/audit").status_code == 403
    headers = {"Authorization": f"Bearer {secret}"}
    [line] = app.test_client().get("/api/v1/audit", headers=headers).text.splitlines()
    event = json.loads(line)
    assert (event["action"], event["actor"], event["repeats"]) == ("refused", "ada", 2)


def test_the_audit_log_has_the_times_of_the_reader(app: Flask) -> None:
    make_member(app, "ada", "owner", administrator=True)
    client = client_of(app, "ada")
    client.set_cookie(COOKIE, "Asia/Kolkata")
    with app.app_context(), transaction():
        late = datetime(2026, 1, 1, 22, 30, tzinfo=UTC)
        db.session.execute(sa.update(audit_events).values(time=late))
    page = client.get("/server/audit").text
    assert "Friday <small>2026-01-02</small>" in page
    assert "04:00:00" in page
    assert "IST" in page
