"""Requests to Langfuse's read API."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient

from tests.support.langfuse.events import T

PUBLIC = "/api/public"
TIME_RANGE = {"fromTimestamp": T.format(0), "toTimestamp": "2026-01-02T00:00:00Z"}
"""The day on which `T` lies."""


def get(client: FlaskClient, path: str, status: int = 200, **query: Any) -> Any:
    """Return the JSON of a GET with this status."""
    response = client.get(f"{PUBLIC}/{path}", query_string=query)
    assert response.status_code == status, response.text
    return response.get_json()


def ids(page: Any) -> list[str]:
    """Return the ids of a page, in its order."""
    return [item["id"] for item in page["data"]]


def filter_condition(
    kind: str, column: str, operator: str, value: Any, key: str | None = None
) -> Any:
    """Return a condition of Langfuse's `filter` parameter."""
    return {"type": kind, "column": column, "operator": operator, "value": value, "key": key}


def query_metrics(client: FlaskClient, path: str, status: int = 200, **query: Any) -> Any:
    """Return what a metrics query over the time of the test's traces answers."""
    return get(client, path, status, query=json.dumps({**TIME_RANGE, **query}))
