"""What the model calls of a session were sent again: beside it, on its page and by API."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage

SESSION = "chat-7"
MINUTE = "2026-01-02T03:{:02}:00Z"


def send_chat(client: FlaskClient, turns: int) -> None:
    """Send a session whose every trace sends the chat so far again."""
    messages: list[dict[str, str]] = [{"role": "system", "content": "Be kind. " * 200}]
    traces: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    for number in range(turns):
        messages = [*messages, {"role": "user", "content": f"question {number} " * 50}]
        start = MINUTE.format(number)
        traces.append({"id": f"turn{number}", "session_id": SESSION, "start_time": start})
        spans.append({
            "id": f"call{number}",
            "trace_id": f"turn{number}",
            "kind": "generation",
            "model": "gpt-4o",
            "start_time": start,
            "end_time": start,
            "input": messages,
            "output": "An answer.",
            "usage": {"input": 500 + 200 * number, "output": 5},
        })  # fmt: skip
    answer = client.post("/api/v1/batch", json={"traces": traces, "spans": spans})
    assert answer.get_json()["refused"] == 0, answer.text


def test_traces_that_send_the_chat_again_are_added_up(
    client: FlaskClient, get_page: GetPage
) -> None:
    send_chat(client, 5)
    totals = client.get(f"/api/v1/sessions/{SESSION}/context").get_json()
    assert [step["trace_id"] for step in totals["steps"]] == [f"turn{n}" for n in range(5)]
    assert totals["input_tokens"] == 4_500
    assert 2_500 < totals["sent_before"] < 4_000
    assert totals["repeated_cost"] > totals["avoidable_cost"] > 0
    page = get_page(f"/sessions/{SESSION}/context").one(css="context-totals")
    assert "cached as it could be, the calls would have cost $" in page.text
    links = [link["href"] for link in page.one(css="sizes").all("a")]
    assert links[1].endswith("/traces/turn1?span=call1&tab=context")
    aside = get_page(f"/sessions/{SESSION}/context", fragment=True)
    assert "% of the input was sent again" in aside.text
    session = get_page(f"/sessions/{SESSION}")
    assert session.one(css="sent-again").one("a")["href"].endswith(f"{SESSION}/context")


def test_a_session_with_one_call_has_nothing_to_compare(
    client: FlaskClient, get_page: GetPage
) -> None:
    send_chat(client, 1)
    assert "No two of its model calls" in get_page(f"/sessions/{SESSION}/context").text
    assert client.get("/api/v1/sessions/none/context").status_code == 404
    assert client.get("/project/default/sessions/none/context").status_code == 404
