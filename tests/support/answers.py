"""What answers of the JSON API must look like, with what they hold."""

from __future__ import annotations

from typing import Any


def ok(answer: Any, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    return answer.get_json()


def problem(answer: Any, status: int = 400) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    found = answer.get_json()
    assert found["status"] == status
    return found
