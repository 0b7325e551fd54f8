"""Responses of the JSON API: their status and type are checked, their JSON is returned."""

from __future__ import annotations

from typing import Any


def json_of(response: Any, status: int = 201) -> Any:
    """Return the JSON of a success."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/json"
    return response.get_json()


def problem_of(response: Any, status: int = 400) -> Any:
    """Return the problem document (RFC 9457) of an error."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == status
    return problem
