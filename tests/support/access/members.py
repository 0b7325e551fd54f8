"""Members for tests: made in the database, and logged in by a client."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.pages.requests import SAME_ORIGIN
from tracer.store.database.session import transaction
from tracer.store.members.members import Member, create_member
from tracer.store.members.passwords import hash_password
from tracer.store.members.roles import set_role

PASSWORD = "kettle-violet-owl-7"
_HASH = hash_password(PASSWORD)


def make_member(
    app: Flask, name: str, role: str = "", *, project: str = "default", administrator: bool = False
) -> Member:
    """Create the member ``<name>@example.com`` with a role in a project."""
    with app.app_context(), transaction():
        member = create_member(
            name,
            email=f"{name}@example.com",
            password_hash=_HASH,
            administrator=administrator,
        )
        if role:
            set_role(project, member.member_id, role)
    return member


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, **form: str) -> TestResponse:
    """Post the form of the login."""
    data = {"address": f"{name}@example.com", "password": password, **form}
    return client.post("/login", data=data, headers=SAME_ORIGIN)


def client_of(app: Flask, name: str) -> FlaskClient:
    """Return a client that is logged in."""
    client = app.test_client()
    assert log_in(client, name).status_code == 303
    return client
