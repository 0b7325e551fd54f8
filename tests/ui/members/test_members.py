"""The members of a project: first owner, invitations, roles, and what each sees."""

from __future__ import annotations

import re

import psycopg
import pytest
from flask import Flask

from tests.support.access.members import PASSWORD, client_of, log_in, make_member
from tests.support.pages.requests import StoreTraces, post_form
from tests.support.pages.sample_traces import agent_trace
from tracer.store.database.session import transaction
from tracer.store.members.audit import Actor, list_events, record
from tracer.store.members.links import first_owner_code
from tracer.store.members.members import member_by_email
from tracer.store.members.roles import role_in
from tracer.store.projects.projects import create_project

PAGE = "/project/default/settings/members"
OWNER = {"name": "Ada", "address": "ada@example.com", "password": PASSWORD}


def link_in(text: str) -> str:
    return re.findall(r"http://localhost(/invitation/[\w-]+)", text)[0]


def invited(app: Flask, role: str = "member") -> str:
    """Return the path of an invitation that an admin has made."""
    make_member(app, "boss", "owner")
    page = post_form(
        client_of(app, "boss"),
        f"{PAGE}/invitations",
        200,
        address="new@example.com",
        role=role,
        days="7",
    )
    return link_in(page.text)


def test_the_first_owner_owns_the_projects_and_administers_the_server(
    app: Flask, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        code = first_owner_code(connection)
    client = app.test_client()
    post_form(client, "/first-owner", 422, **OWNER, code="AAAA-AAAA-AAAA-AAAA")
    post_form(client, "/first-owner", 422, **OWNER | {"password": "short"}, code=code)
    post_form(client, "/first-owner", **OWNER, code=code.lower())
    with app.app_context(), transaction():
        for subject in ("a", "b", "b", "b"):
            record("default", "view.save", subject, Actor(name="Ada"))
    rows = re.findall(
        r"view.save</td>\s*<td>(.*?)</td>", client.get("/server/audit").text, re.DOTALL
    )
    assert [re.sub(r"<[^>]*>", "", row).split() for row in rows] == [
        ["b", "3", "times", "default"],
        ["a", "default"],
    ]
    with app.app_context():
        owner = member_by_email("ADA@example.com")
        assert owner is not None
        assert owner.administrator
        assert role_in(owner.member_id, "default") == "owner"
    with psycopg.connect(database_url) as connection:
        assert first_owner_code(connection) == ""


def test_codes_of_the_first_owner_can_not_be_tried_out(app: Flask, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        code = first_owner_code(connection)
    client = app.test_client()
    for _ in range(20):
        post_form(client, "/first-owner", 422, **OWNER, code="AAAA-AAAA-AAAA-AAAA")
    assert "Too many" in post_form(client, "/first-owner", 422, **OWNER, code=code).text


def test_an_invitation_makes_one_member_with_its_role(app: Flask) -> None:
    path = invited(app)
    client = app.test_client()
    assert "invites you as <b>member</b>" in client.get(path).text
    taken = post_form(client, path, 422, name="boss", password=PASSWORD)
    assert "boss is taken. Free: boss-2." in taken.text
    post_form(client, path, name="new", password=PASSWORD)
    assert client.get("/project/default/traces").status_code == 200
    assert client.get(PAGE).status_code == 403
    assert app.test_client().get(path).status_code == 404
    with app.app_context():
        [event] = list_events(["default"], words=["action:invitation.accept"])
    assert event.actor == "new"


def test_a_member_of_the_server_joins_at_once_or_with_the_link(app: Flask) -> None:
    path = invited(app, "admin")
    make_member(app, "known")
    client = client_of(app, "known")
    assert client.get("/project/default/traces").status_code == 404
    post_form(client, path)
    assert client.get("/project/default/traces").status_code == 200
    make_member(app, "third")
    form = {"address": "third@example.com", "role": "viewer", "days": "7"}
    post_form(client_of(app, "boss"), f"{PAGE}/invitations", **form)
    assert client_of(app, "third").get("/project/default/traces").status_code == 200


def test_a_withdrawn_invitation_and_a_replaced_link_do_not_work(app: Flask) -> None:
    path = invited(app)
    boss = client_of(app, "boss")
    [action] = re.findall(rf"{PAGE}/invitations/\w+", boss.get(PAGE).text)
    renewed = link_in(post_form(boss, action, 200, action="renew").text)
    assert app.test_client().get(path).status_code == 404
    assert app.test_client().get(renewed).status_code == 200
    [action] = re.findall(rf"{PAGE}/invitations/\w+", boss.get(PAGE).text)
    post_form(boss, action, action="withdraw")
    assert app.test_client().get(renewed).status_code == 404


def test_a_changed_role_holds_from_the_next_request(app: Flask) -> None:
    make_member(app, "boss", "owner")
    member = make_member(app, "ada", "viewer")
    ada = client_of(app, "ada")
    assert ada.get(PAGE).status_code == 403
    post_form(client_of(app, "boss"), f"{PAGE}/{member.member_id}", role="admin")
    assert ada.get(PAGE).status_code == 200
    post_form(client_of(app, "boss"), f"{PAGE}/{member.member_id}", role="")
    assert ada.get("/project/default/traces").status_code == 404


def test_an_admin_makes_no_owner_and_changes_none(app: Flask) -> None:
    owner = make_member(app, "boss", "owner")
    make_member(app, "second", "owner")
    make_member(app, "admin", "admin")
    ada = make_member(app, "ada", "viewer")
    client = client_of(app, "admin")
    post_form(client, f"{PAGE}/{ada.member_id}", 403, role="owner")
    post_form(client, f"{PAGE}/{owner.member_id}", 403, role="viewer")
    form = {"address": "x@example.com", "role": "owner", "days": "7"}
    post_form(client, f"{PAGE}/invitations", 403, **form)


def test_the_last_owner_stays(app: Flask) -> None:
    owner = make_member(app, "boss", "owner")
    client = client_of(app, "boss")
    answer = post_form(client, f"{PAGE}/{owner.member_id}", 422, role="viewer")
    assert "a project needs an owner" in answer.text


def test_the_switcher_lists_only_projects_with_a_role(app: Flask) -> None:
    with app.app_context(), transaction():
        create_project("secret", "Secret plans")
    make_member(app, "ada", "viewer")
    make_member(app, "boss", administrator=True)
    assert "Secret plans" not in client_of(app, "ada").get("/project/default/traces").text
    assert "Secret plans" in client_of(app, "boss").get("/project/default/traces").text


@pytest.mark.parametrize("path", ["/project/secret/traces", "/project/nothing/traces"])
def test_a_foreign_project_and_none_at_all_look_the_same(app: Flask, path: str) -> None:
    with app.app_context(), transaction():
        create_project("secret", "Secret plans")
    make_member(app, "ada", "viewer")
    answer = client_of(app, "ada").get(path)
    name = path.split("/")[2]
    assert answer.status_code == 404
    assert f"There is no project “{name}”" in answer.text
    assert "Secret plans" not in answer.text


def test_a_link_by_trace_id_alone_leads_only_into_own_projects(
    app: Flask, store_traces: StoreTraces
) -> None:
    store_traces(agent_trace())
    with app.app_context(), transaction():
        create_project("other", "Other")
    make_member(app, "ada", "viewer", project="other")
    make_member(app, "bob", "viewer")
    assert client_of(app, "ada").get(f"/trace/{'a' * 32}").status_code == 404
    assert client_of(app, "bob").get(f"/trace/{'a' * 32}").status_code == 302


def test_comments_carry_the_member_and_keep_the_name(app: Flask, store_traces: StoreTraces) -> None:
    store_traces(agent_trace())
    member = make_member(app, "ada", "member")
    client = client_of(app, "ada")
    comments = f"/project/default/traces/{'a' * 32}/comments"
    post_form(client, comments, text="Look", reader="Somebody else")
    post_form(client, "/account/name", name="Ada L")
    page = client.get(f"/project/default/traces/{'a' * 32}?tab=comments").text
    assert "ada" in page
    assert "Somebody else" not in page
    with app.app_context():
        from tracer.extensions import db
        from tracer.store.schema import comments as table

        assert db.session.scalar(db.select(table.c.member_id)) == member.member_id


def test_a_viewer_sees_no_form_that_would_be_refused(app: Flask, store_traces: StoreTraces) -> None:
    store_traces(agent_trace())
    make_member(app, "ada", "viewer")
    page = client_of(app, "ada").get(f"/project/default/traces/{'a' * 32}").text
    assert 'method="post"' not in page


def test_a_member_without_a_project_sees_the_account(app: Flask) -> None:
    make_member(app, "ada")
    client = client_of(app, "ada")
    assert client.get("/").location == "/account"
    assert "an admin of a project invites you" in client.get("/account").text


def test_a_disabled_login_is_not_enumerable(app: Flask) -> None:
    make_member(app, "ada")
    assert log_in(app.test_client(), "ada", "wrong").status_code == 401
    assert app.test_client().get("/invitation/nothing").status_code == 404
    assert app.test_client().get("/password/nothing").status_code == 404
