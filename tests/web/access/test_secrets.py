"""Secrets are compared by their hashes alone: no time depends on how much of one is right."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import make_member
from tests.support.pages.requests import SAME_ORIGIN
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.members.tokens import PREFIX
from tracer.store.projects.keys import authenticate, create_key

GUESS = "sk-tr-GUESSED-OWL-9"
PERSONAL = f"{PREFIX}GUESSED-OWL-9"


@contextmanager
def sent_to_database(app: Flask) -> Iterator[list[str]]:
    """Collect every statement with its parameters."""
    collected: list[str] = []

    def collect(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any
    ) -> None:
        collected.append(f"{statement} {parameters!r}")

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", collect)
    try:
        yield collected
    finally:
        sa.event.remove(engine, "before_cursor_execute", collect)


def as_user(name: str, secret: str) -> dict[str, str]:
    """Return the header of Basic authentication."""
    request = httpx.Request("GET", "http://a")
    next(httpx.BasicAuth(name, secret).auth_flow(request))
    return {"Authorization": request.headers["Authorization"]}


def bearer(secret: str) -> dict[str, str]:
    """Return the header with a secret alone."""
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("path", "headers", "secret"),
    [
        ("/api/v1/traces", bearer(GUESS), GUESS),
        ("/api/public/traces", as_user("pk-tr-x", GUESS), GUESS),
        ("/api/v1/traces", bearer(PERSONAL), PERSONAL),
        ("/metrics", bearer(PERSONAL), PERSONAL),
        (f"/invitation/{GUESS}", {}, GUESS),
        (f"/password/{GUESS}", {}, GUESS),
        (f"/share/{GUESS}/traces/t", {}, GUESS),
    ],
)
def test_a_guess_is_looked_up_by_its_hash_alone(
    app: Flask, client: FlaskClient, path: str, headers: dict[str, str], secret: str
) -> None:
    make_member(app, "ada", "owner")
    with sent_to_database(app) as statements:
        assert client.get(path, headers=headers).status_code in (302, 401, 404)
    assert any(hashlib.sha256(secret.encode()).hexdigest() in text for text in statements)
    assert not any("GUESSED" in text for text in statements)


def test_a_session_is_looked_up_by_its_hash_alone(app: Flask, client: FlaskClient) -> None:
    client.set_cookie("tracer_session", GUESS)
    with sent_to_database(app) as statements:
        client.get("/account")
    assert any(hashlib.sha256(GUESS.encode()).hexdigest() in text for text in statements)
    assert not any("GUESSED" in text for text in statements)


def test_the_code_of_the_first_owner_is_looked_up_by_its_hash_alone(
    app: Flask, client: FlaskClient
) -> None:
    form = {"address": "a@example.com", "name": "Ada", "password": "kettle-violet-owl-7"}
    with sent_to_database(app) as statements:
        client.post("/first-owner", data={**form, "code": GUESS}, headers=SAME_ORIGIN)
    assert any(hashlib.sha256(GUESS.upper().encode()).hexdigest() in text for text in statements)
    assert not any("GUESSED" in text for text in statements)


def test_a_key_that_is_nearly_right_takes_the_time_of_any_other(app: Flask) -> None:
    with app.app_context(), transaction():
        key, secret = create_key("default", "k")

    def seconds(guess: str) -> float:
        # Of the processor: the machine may be busy with something else.
        times = []
        with app.app_context():
            for _ in range(10):
                start = time.process_time()
                for _ in range(20):
                    assert authenticate(key.public_key, guess) is None
                times.append(time.process_time() - start)
        return min(times)

    near, far = seconds(f"{secret[:-1]}!"), seconds("!" * len(secret))
    assert 0.4 < near / far < 2.5
