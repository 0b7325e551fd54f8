"""All large bodies together stay within a bound, and what a request reserved it returns."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tracer.errors import Overloaded
from tracer.web.incoming import body_budget
from tracer.web.incoming.body_budget import MAX_BYTES, BodyBudget

MEGABYTE = 1024 * 1024


def test_bodies_beyond_the_bound_are_refused_until_others_have_ended() -> None:
    budget = BodyBudget()
    budget.reserve(MAX_BYTES - MEGABYTE, 0)
    with pytest.raises(Overloaded):
        budget.reserve(2 * MEGABYTE, 0)
    budget.reserve(MEGABYTE, 0)
    budget.release(MAX_BYTES)
    budget.reserve(2 * MEGABYTE, 0)


def test_a_single_body_may_be_longer_than_the_bound() -> None:
    budget = BodyBudget()
    budget.reserve(MAX_BYTES, 0)
    budget.reserve(MAX_BYTES, MAX_BYTES)


def test_a_large_request_returns_its_memory(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = BodyBudget()
    monkeypatch.setattr(body_budget, "_budget", budget)
    headers = {"Content-Type": "application/json"}
    for body in (b'{"name":"' + b"x" * 3 * MEGABYTE + b'"}', b"x" * 3 * MEGABYTE):
        assert client.post("/api/v1/traces", data=body, headers=headers).status_code in (201, 400)
        assert budget._reserved == 0
