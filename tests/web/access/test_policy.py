"""Each route answers each kind of sender as the policy has it, and shows nothing of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.support.access.members import client_of, make_member
from tests.support.access.permissions import PAGE, page
from tests.support.pages.every_page import fill
from tests.support.pages.requests import SAME_ORIGIN, StoreTraces
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.members.roles import ROLES
from tracer.store.members.tokens import create_token
from tracer.store.projects.keys import create_key, revoke_key
from tracer.store.projects.projects import create_project
from tracer.store.schema import member_sessions
from tracer.store.writing.writer import Writer
from tracer.web.access.policy import POLICY, is_api, right_of
from tracer.web.access.rights import (
    EVERYTHING,
    KEY_KINDS,
    NOTHING,
    RIGHTS_OF_KEY,
    RIGHTS_OF_ROLE,
    RIGHTS_OF_TOKEN,
    Right,
)

SECRET = "resolve_ticket"
"""A name in the traces of the project `default`."""
# These end the session, or change what later requests send.
_ENDING = {"/logout", "/account/sessions", "/account/password"}
_REFUSED = {401, 403}


@dataclass(frozen=True)
class Sender:
    """Somebody who sends requests about the project `default`."""

    name: str
    rights: frozenset[Right]
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    logged_in: bool = True
    foreign: bool = False
    """Whether the credentials are of another project, which these requests can not name."""

    def uses(self, rule: str) -> bool:
        """Return whether the sender's credentials are for this kind of route."""
        return is_api(rule) == bool(self.headers) or not self.logged_in


@pytest.fixture
def store_traces(writer: Writer) -> StoreTraces:
    def store(*builders: Any) -> None:
        for builder in builders:
            assert writer.write("default", builder.batch) == []

    return store


@pytest.fixture
def senders(app: Flask) -> list[Sender]:
    """Members of each role, keys and tokens of each kind, and those who may nothing."""
    with app.app_context(), transaction():
        create_project("other", "Other")
    made = {role: make_member(app, role, role) for role in ROLES}
    make_member(app, "stranger", "owner", project="other")
    make_member(app, "gone", "owner")
    all_of = [Sender(role, RIGHTS_OF_ROLE[role], client_of(app, role)) for role in ROLES]
    all_of.append(Sender("stranger", NOTHING, client_of(app, "stranger")))
    gone = client_of(app, "gone")
    with app.app_context(), transaction():
        expired = member_sessions.c.member_id.in_(
            db.select(db.metadata.tables["members"].c.member_id).where(
                db.metadata.tables["members"].c.name == "gone"
            )
        )
        db.session.execute(member_sessions.update().where(expired).values(expires_at=db.func.now()))
    all_of.append(Sender("expired session", NOTHING, gone, logged_in=False))
    anyone = app.test_client()
    all_of.append(Sender("nobody", NOTHING, anyone, logged_in=False))
    with app.app_context(), transaction():
        for kind in KEY_KINDS:
            _, secret = create_key("default", kind, kind)
            all_of.append(Sender(f"key {kind}", RIGHTS_OF_KEY[kind], anyone, _bearer(secret)))
        _, secret = create_key("other", "theirs")
        theirs = Sender(
            "other project's key", RIGHTS_OF_KEY["all"], anyone, _bearer(secret), foreign=True
        )
        all_of.append(theirs)
        key, secret = create_key("default", "revoked")
        revoke_key(key.key_id)
        all_of.append(Sender("revoked key", NOTHING, anyone, _bearer(secret)))
        for role in ("viewer", "admin"):
            _, secret = create_token(made[role].member_id, "t", "all", timedelta(days=1))
            rights = RIGHTS_OF_ROLE[role] & RIGHTS_OF_TOKEN["all"]
            all_of.append(Sender(f"token of {role}", rights, anyone, _bearer(secret)))
    return all_of


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield each method and rule that requires something."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            if right_of(method, rule.rule) is not Right.OPEN and rule.rule not in _ENDING:
                yield method, rule


def test_each_route_answers_each_sender_as_the_policy_has_it(
    app: Flask, store_traces: StoreTraces, senders: list[Sender]
) -> None:
    known = fill(app, store_traces) | {"project_id": "default", "version": 1}
    tried, wrong = 0, []
    for method, rule in routes(app):
        values = {name: known.get(name, "nothing") for name in rule.arguments}
        with app.test_request_context():
            path = url_for(rule.endpoint, **values)
        for sender in senders:
            if not sender.uses(rule.rule):
                continue
            answer = sender.client.open(path, method=method, headers=SAME_ORIGIN | sender.headers)
            tried += 1
            expected = _expected(sender, method, rule)
            got = answer.status_code
            leads_away = got == 302 and str(answer.location).startswith("/login")
            ok = got in expected if expected else got not in _REFUSED and not leads_away
            sees_nothing = sender.foreign or not sender.rights
            if not ok or (sees_nothing and SECRET in answer.text):
                wrong.append(f"{sender.name}: {method} {rule.rule} gave {got}, not {expected}")
    assert wrong == []
    assert tried > 1_000


def _expected(sender: Sender, method: str, rule: Rule) -> set[int]:
    """Return the statuses of a refusal; empty: the request is let through."""
    right = right_of(method, rule.rule)
    if is_api(rule.rule):
        if Right.KNOWN not in sender.rights:
            return {401}
        return set() if right in sender.rights else {403}
    if not sender.logged_in:
        is_page = method == "GET" and not rule.rule.endswith(".json")
        return {302} if is_page else {401}
    if "project_id" not in rule.arguments:
        return {403} if right is Right.SERVER else set()
    if not sender.rights:
        return {404}
    return set() if right in sender.rights else {403}


def test_a_share_link_opens_its_trace_without_a_login_and_nothing_else(
    app: Flask, store_traces: StoreTraces
) -> None:
    known = fill(app, store_traces)
    make_member(app, "ada", "owner")
    client = app.test_client()
    shared = client.get(f"/share/{known['tokens']['']}/traces/{known['trace_id']}")
    assert shared.status_code == 200
    assert SECRET in shared.text
    other = client.get(f"/share/{known['tokens']['']}/traces/{'c' * 32}")
    assert other.status_code == 404
    assert client.get("/project/default/traces").status_code == 302


def test_a_route_that_no_line_names_is_for_administrators_only() -> None:
    assert right_of("GET", "/something/new") is Right.SERVER
    assert right_of("PUT", "/project/<project_id>/traces") is Right.SERVER


def test_each_line_of_the_policy_is_for_a_route(app: Flask) -> None:
    rules = [
        (method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()
    ]
    planned = {"/health", "/ready", "/metrics", "/login/*", "/server", "/api/v1/projects"}
    planned |= {f"/project/<project_id>/settings/{part}" for part in ("archive", "delete")}
    planned |= {"/api/v1/audit", "/project/<project_id>"}
    unused = [
        pattern
        for line in POLICY
        for pattern in line.patterns
        if pattern not in planned
        and not any(
            type(line)(line.methods, (pattern,), line.right).fits(method, rule)
            for method, rule in rules
        )
    ]
    assert unused == []


def test_the_documentation_has_the_tables_of_the_policy() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.support.access.permissions"


def test_no_role_has_a_right_that_a_more_powerful_one_lacks() -> None:
    rights_of_roles = [RIGHTS_OF_ROLE[role] for role in ROLES]
    assert all(lower < higher for lower, higher in pairwise(rights_of_roles))
    assert rights_of_roles[-1] < EVERYTHING


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_every_form_of_another_site_is_refused_even_with_a_session(app: Flask, method: str) -> None:
    make_member(app, "ada", "owner", administrator=True)
    client = client_of(app, "ada")
    forms = [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and not is_api(rule.rule)
    ]
    assert method != "POST" or len(forms) > 20
    for rule in forms:
        values = {name: "default" if name == "project_id" else "x" for name in rule.arguments}
        with app.test_request_context():
            path = url_for(rule.endpoint, **values)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            answer = client.open(path, method=method, headers=headers)
            assert answer.status_code == 403, path
            assert "not sent from a page" in answer.text, path
