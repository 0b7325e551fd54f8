"""The attribute mapping of a span in the API."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.support.wire.otlp import SPAN_ID, TRACE_ID, request, span
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project

PATH = f"/api/v1/traces/{TRACE_ID}/spans/{SPAN_ID}/mapping"


def send(client: FlaskClient, values: dict[str, Any]) -> None:
    body = json.dumps(request(span(values)))
    client.post("/v1/traces", data=body, content_type="application/json")


def test_a_mapping_has_each_attribute_once(client: FlaskClient) -> None:
    send(client, {"llm.token_count.prompt": 5, "langfuse.trace.name": "ask", "mine": [1]})
    assert client.get(PATH).get_json() == {
        "dialect": "langfuse",
        "usage": [],
        "mapped": [
            {
                "attribute": "llm.token_count.prompt",
                "kept": False,
                "fields": [
                    {
                        "field": "usage.input",
                        "value": 5,
                        "dialect": "openinference",
                        "rule": "llm.token_count.*",
                    }
                ],
            },
            {
                "attribute": "langfuse.trace.name",
                "kept": False,
                "fields": [
                    {
                        "field": "trace.name",
                        "value": "ask",
                        "dialect": "langfuse",
                        "rule": "langfuse.trace.name",
                    }
                ],
            },
        ],
        "unmapped": [
            {"attribute": "mine", "value": [1], "why": "no dialect has a rule for this name"},
        ],
        "events": [],
    }


def test_a_mapping_of_an_unknown_span_is_not_found(client: FlaskClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 404
    assert SPAN_ID in answer.get_json()["detail"]


def test_a_key_can_not_read_the_mapping_of_another_project(app: Flask, client: FlaskClient) -> None:
    send(client, {"mine": 1})
    with app.app_context(), transaction():
        create_project("other", "Other")
        _, secret = create_key("other", "test")
    assert client.get(PATH).status_code == 200
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get(PATH, headers=headers).status_code == 404
