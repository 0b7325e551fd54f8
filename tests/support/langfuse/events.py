"""Events of Langfuse's ingestion API, and posting them."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

T = "2026-01-01T00:00:{:02}.000Z"
"""The time of an event; the second is to be filled in."""


def event(kind: str, second: int = 0, event_id: str | None = None, **body: Any) -> dict[str, Any]:
    """Return an event of a batch."""
    event_id = event_id or f"{kind}-{second}-{body.get('id')}"
    return {"id": event_id, "timestamp": T.format(second), "type": kind, "body": body}


def post_events(client: FlaskClient, *events: Any) -> Any:
    """Post a batch and return the response's JSON."""
    response = client.post("/api/public/ingestion", json={"batch": [*events], "metadata": {}})
    assert response.status_code == 207, response.text
    return response.get_json()


def ingest(client: FlaskClient, *events: Any) -> None:
    """Post a batch of which every event is accepted."""
    answer = post_events(client, *events)
    assert answer["errors"] == []
    assert [success["status"] for success in answer["successes"]] == [201] * len(events)
