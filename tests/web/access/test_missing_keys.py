"""Clients that were started without a key: the refusal names what to set."""

from __future__ import annotations

import dataclasses
import logging
from base64 import b64encode
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracer.config import Config
from tracer.web.access import missing_keys
from tracer.web.remembered import AtMostEvery

EMPTY = {"resourceSpans": []}


@pytest.fixture(autouse=True)
def first_of_its_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_keys, "_log_limit", AtMostEvery(60))


def send(client: FlaskClient, header: str) -> str:
    answer = client.post("/v1/traces", json=EMPTY, headers={"Authorization": header})
    assert answer.status_code == 401
    return str(answer.get_json()["message"])


NOBODY = b64encode(b"undefined:undefined").decode()


@pytest.mark.parametrize(
    "header",
    ["Bearer undefined", "Bearer null", "bearer None", "Bearer ", "Bearer", f"Basic {NOBODY}"],
)
def test_the_refusal_names_what_to_set(client: FlaskClient, header: str) -> None:
    message = send(client, header)
    assert "the client was started without a key" in message
    assert "TRACELOOP_API_KEY" in message
    assert "initialize({ headers: {} })" in message


@pytest.mark.parametrize("header", ["Bearer sk-tr-wrong", "Basic eDp5", "Digest x"])
def test_a_wrong_key_is_not_reported_as_missing(client: FlaskClient, header: str) -> None:
    assert "without a key" not in send(client, header)


def test_a_missing_key_is_logged_once_a_minute(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "tracer.keys"):
        send(client, "Bearer undefined")
        send(client, "Bearer undefined")
    [line] = caplog.messages
    assert "“Authorization: Bearer undefined”" in line


def test_a_server_that_requires_keys_does_not_suggest_to_omit_it(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    app = make_app(dataclasses.replace(config, host="0.0.0.0"))
    message = send(app.test_client(), "Bearer undefined")
    assert "tracer keys create" in message
    assert "no key is needed" not in message
