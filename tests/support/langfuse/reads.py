"""What the tests of Langfuse's read API have in common: the traces they read, and how they ask."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient

T = "2026-01-01T00:00:{:02}.000Z"
PUBLIC = "/api/public"


def get(client: FlaskClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = client.get(f"{PUBLIC}/{path}", query_string=query)
    assert answer.status_code == status, answer.text
    return answer.get_json()


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["data"]]


def one(kind: str, column: str, operator: str, value: Any, key: str | None = None) -> Any:
    return {"type": kind, "column": column, "operator": operator, "value": value, "key": key}


SPAN_OF_TIME = {"fromTimestamp": T.format(0), "toTimestamp": "2026-01-02T00:00:00Z"}


def ask(client: FlaskClient, path: str, status: int = 200, **query: Any) -> Any:
    return get(client, path, status, query=json.dumps({**SPAN_OF_TIME, **query}))
