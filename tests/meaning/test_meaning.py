"""What real clients send means what they mean: requests beside what the server answers of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.paths import ROOT

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
REPORTED = ROOT.parent / "shared" / "meaning-cases"


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
        assert send(client, request) < 300
    assert case["right"]
    for key, value in case["right"].items():
        assert answer(client, key) == value, key


def test_all_reported_cases_agree(client: FlaskClient) -> None:
    if not REPORTED.is_dir():
        pytest.skip(f"no cases to compare with: {REPORTED} is absent")
    paths = sorted(REPORTED.glob("[0-9]*.json"))
    assert len(paths) >= 35
    differing = []
    for path in paths:
        case = json.loads(path.read_text())
        for request in parts(case, backwards=False):
            send(client, request)
        differing += [
            f"{path.stem}: {key} is {ours!r:.200}"
            for key, value in case["right"].items()
            if not agrees(ours := answer(client, key), value, key)
        ]
    assert differing == []


def send(client: FlaskClient, request: dict[str, Any]) -> int:
    """Send a request of a case and return the status of the response."""
    response = client.open(
        request["path"],
        method=request["method"],
        data=json.dumps(request["body"]),
        headers=request["headers"],
    )
    return response.status_code


def answer(client: FlaskClient, key: str) -> Any:
    """Return what the server answers at ``GET address#pointer``."""
    address, _, pointer = key.removeprefix("GET ").partition("#")
    return resolve(client.get(address).json, pointer)


def agrees(ours: Any, right: Any, key: str) -> bool:
    """Return whether a value is right: one of a list of costs, counts without those of zero."""
    if key.endswith("total_cost") and isinstance(right, list):
        return any(ours == pytest.approx(each, abs=1e-12) for each in right)
    if isinstance(right, float) and isinstance(ours, int | float):
        return ours == pytest.approx(right, abs=1e-12)
    if isinstance(right, dict) and isinstance(ours, dict) and "usage" in key:
        return {k: n for k, n in ours.items() if n} == {k: n for k, n in right.items() if n}
    return bool(ours == right)


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
