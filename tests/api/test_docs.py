"""docs/api.md names every route, and its examples work as printed."""

from __future__ import annotations

import json
import re
from typing import Any

from flask.testing import FlaskClient

from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text()


def test_every_route_is_in_the_table_and_no_other(client: FlaskClient):
    paths: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    assert set(re.findall(r"^\| `([A-Z]+ /api/v1/\S+)` \|", PAGE, re.MULTILINE)) == routes


def test_every_example_works_as_printed(client: FlaskClient):
    examples = re.findall(r"```http\n(\w+) (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 5
    for method, path, body in examples:
        answer = client.open(path, method=method, json=json.loads(body))
        assert answer.status_code in (200, 201, 202), answer.text
        assert answer.get_json().get("refused", 0) == 0, answer.text
    trace = client.get("/api/v1/traces/order-17").get_json()
    assert (trace["status"], trace["span_count"]) == ("completed", 2)


def test_every_status_of_the_document_is_explained(client: FlaskClient):
    statuses = set(
        re.findall(r"'(4\d\d|5\d\d)':", str(client.get("/api/v1/openapi.json").get_json()))
    )
    explained = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    assert explained == statuses - {"405"}
    assert {"400", "401", "404"} <= explained
