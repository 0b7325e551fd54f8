"""The page of a project's keys, and what the keys may do afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import client_of, make_member
from tests.support.pages.requests import post_form
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key, list_keys

PAGE = "/project/default/settings/keys"


def secret_in(text: str) -> str:
    return re.findall(r'data-copy="(sk-tr-[\w-]+)"', text)[0]


def status(client: FlaskClient, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return client.get("/api/v1/traces", headers=headers).status_code


def test_a_new_key_is_shown_once_and_works(app: Flask, client: FlaskClient) -> None:
    made = post_form(client, PAGE, 201, name="ci", kind="read", days="90")
    secret = secret_in(made.text)
    assert status(client, secret) == 200
    assert secret not in client.get(PAGE).text
    with app.app_context():
        [key] = list_keys("default")
    assert (key.name, key.kind) == ("ci", "read")
    assert key.expires_at is not None
    assert key.used_at is not None
    assert timedelta(days=89) < key.expires_at - datetime.now(UTC) < timedelta(days=90)


def test_a_rotated_key_works_beside_its_successor_for_the_chosen_time(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context(), transaction():
        key, old = create_key("default", "worker", "read")
    rotated = post_form(client, f"{PAGE}/{key.key_id}/rotate", 201, overlap="24")
    new = secret_in(rotated.text)
    assert (status(client, old), status(client, new)) == (200, 200)
    with app.app_context():
        before, after = list_keys("default")
    assert before.expires_at is not None
    assert after.expires_at is None
    assert before.expires_at < datetime.now(UTC) + timedelta(hours=25)
    assert (after.name, after.kind) == ("worker", "read")


def test_without_an_overlap_the_old_secret_ends_at_once(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        key, old = create_key("default", "worker")
    post_form(client, f"{PAGE}/{key.key_id}/rotate", 201, overlap="0")
    assert status(client, old) == 401
    post_form(client, f"{PAGE}/{key.key_id}/rotate", 404, overlap="0")


def test_a_revoked_key_stops_working(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        key, secret = create_key("default", "worker")
    post_form(client, f"{PAGE}/{key.key_id}/revoke")
    assert "still sent" not in client.get(PAGE).text
    assert [status(client, sent) for sent in (secret, secret, f"{secret}x")] == [401] * 3
    page = client.get(PAGE).text
    assert "revoked" in page
    assert "still sent" in page
    log = client.get("/project/default/audit?q=action:key.refused").text
    assert log.count("<td>worker") == 1
    assert "reason: revoked" in log


def test_an_expired_key_is_not_valid(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        _, secret = create_key("default", "worker", expires_at=datetime.now(UTC))
    assert status(client, secret) == 401


def test_the_name_of_the_member_stands_beside_the_key(app: Flask) -> None:
    make_member(app, "ada", "admin")
    page = post_form(client_of(app, "ada"), PAGE, 201, name="ci", kind="all", days="")
    assert "by ada" in " ".join(page.text.split())


def test_a_form_with_something_else_is_refused(client: FlaskClient) -> None:
    post_form(client, PAGE, 422, name="", kind="read", days="")
    post_form(client, PAGE, 422, name="x", kind="root", days="")
    post_form(client, PAGE, 422, name="x", kind="read", days="100000")
