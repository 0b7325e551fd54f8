"""What real clients send means what they mean: requests beside what the server answers of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


def resolve(document: Any, pointer: str) -> Any:
    """Return what lies at a JSON pointer, None where nothing does."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = document[int(key)] if int(key) < len(document) else None
        else:
            document = document.get(key) if isinstance(document, dict) else None
    return document


def test_there_are_cases() -> None:
    assert len(CASES) >= 5


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_what_was_sent_is_understood(client: FlaskClient, path: Path, backwards: bool) -> None:
    case = json.loads(path.read_text())
    for request in parts(case, backwards=backwards):
        response = client.open(
            request["path"],
            method=request["method"],
            data=json.dumps(request["body"]),
            headers=request["headers"],
        )
        assert response.status_code < 300
    assert case["right"]
    for key, value in case["right"].items():
        address, _, pointer = key.removeprefix("GET ").partition("#")
        assert resolve(client.get(address).json, pointer) == value, key


def parts(case: dict[str, Any], *, backwards: bool) -> list[dict[str, Any]]:
    """Return the case's requests; backwards: one for each span, the last span first."""
    requests = case.get("requests") or [case["request"]]
    if not backwards:
        return requests
    single = []
    for request in requests:
        for group in request["body"]["resourceSpans"]:
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    alone = {**group, "scopeSpans": [{**scope, "spans": [span]}]}
                    single.append({**request, "body": {"resourceSpans": [alone]}})
    return single[::-1]
