"""Annotations and deletes by the JSON API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.support.pages.requests import FRAGMENT, SAME_ORIGIN
from tests.support.wire.otlp import TRACE_ID, encode_json, encode_protobuf, span
from tracer.store.writing.writer import DELETED

BOTH = pytest.mark.parametrize("path", [f"traces/{TRACE_ID}", "sessions/chat"])


@pytest.fixture(autouse=True)
def stored_trace(client: FlaskClient) -> None:
    """A trace in a session, with two spans and a score."""
    batch = {
        "traces": [{"id": TRACE_ID, "name": "ask", "session_id": "chat", "tags": ["a", "b"]}],
        "spans": [
            {"trace_id": TRACE_ID, "id": "s1", "name": "one", "end_time": "2030-01-01T00:00:00Z"},
            {
                "trace_id": TRACE_ID,
                "id": "s2",
                "parent_id": "s1",
                "end_time": "2030-01-01T00:00:00Z",
            },
        ],
        "scores": [{"trace_id": TRACE_ID, "name": "good", "value": True}],
    }
    assert call(client, "POST", "batch", batch)["refused"] == 0


def call(client: FlaskClient, method: str, path: str, body: Any = None, status: int = 0) -> Any:
    answer = client.open(f"/api/v1/{path}", method=method, json=body)
    assert answer.status_code == status if status else answer.status_code < 300, answer.text
    return answer.get_json()


@BOTH
def test_a_bookmark_is_set_filtered_by_and_removed(client: FlaskClient, path: str) -> None:
    assert not call(client, "GET", f"{path}/bookmark")["bookmarked"]
    for _ in range(2):
        assert call(client, "PUT", f"{path}/bookmark")["bookmarked"]
    noun = path.partition("/")[0]
    (row,) = call(client, "GET", f"{noun}?bookmarked=true")["data"]
    assert row["bookmarked"] is True
    assert call(client, "GET", f"{noun}?bookmarked=false")["data"] == []
    assert not call(client, "DELETE", f"{path}/bookmark")["bookmarked"]
    for method in ("GET", "PUT", "DELETE"):
        call(client, method, f"{noun}/nope/bookmark", status=404)


def test_tags_are_edited_one_by_one(client: FlaskClient) -> None:
    path = f"traces/{TRACE_ID}"
    assert call(client, "POST", f"{path}/tags", {"add": ["c"], "remove": ["a"]})["tags"] == [
        "b",
        "c",
    ]
    # Later tags of the application neither bring a back nor remove c.
    call(client, "POST", "traces", {"id": TRACE_ID, "tags": ["a", "d"]})
    call(client, "PATCH", path, {"tags": ["a"]})
    assert call(client, "GET", path)["tags"] == ["c"]
    call(client, "POST", "traces/nope/tags", {"add": ["x"]}, 404)
    call(client, "POST", f"{path}/tags", {"add": [""]}, 400)


@pytest.mark.parametrize(
    "on", [{"trace_id": TRACE_ID}, {"trace_id": TRACE_ID, "span_id": "s2"}, {"session_id": "chat"}]
)
def test_a_comment_is_created_edited_and_deleted(client: FlaskClient, on: dict[str, str]) -> None:
    made = call(client, "POST", "comments", {**on, "text": "one", "author": "Ada"}, 201)
    assert (made["text"], made["author"], made["history"]) == ("one", "Ada", [])
    path = f"traces/{TRACE_ID}" if "trace_id" in on else "sessions/chat"
    assert call(client, "GET", f"{path}/comments") == {"data": [made]}
    assert call(client, "GET", path)["comment_count"] == 1
    edited = call(client, "PATCH", f"comments/{made['id']}", {"text": "two"})
    assert [edit["text"] for edit in edited["history"]] == ["one"]
    assert call(client, "GET", f"comments/{made['id']}") == edited
    call(client, "DELETE", f"comments/{made['id']}")
    call(client, "DELETE", f"comments/{made['id']}", status=404)
    assert call(client, "GET", f"{path}/comments") == {"data": []}


def test_a_comment_needs_a_subject(client: FlaskClient) -> None:
    for on in (
        {},
        {"trace_id": TRACE_ID, "session_id": "chat"},
        {"span_id": "s1", "session_id": "chat"},
    ):
        call(client, "POST", "comments", {**on, "text": "x"}, 400)
    for on in ({"trace_id": "no"}, {"session_id": "no"}, {"trace_id": TRACE_ID, "span_id": "no"}):
        call(client, "POST", "comments", {**on, "text": "x"}, 404)


def test_the_api_can_not_edit_what_a_visitor_wrote(client: FlaskClient) -> None:
    page = f"/project/default/traces/{TRACE_ID}"
    form = {"text": "mine", "reader": "Ada", "name": "ok", "data_type": "boolean", "yes": "yes"}
    for what in ("comments", "scores"):
        assert client.post(f"{page}/{what}", data=form, headers=SAME_ORIGIN).status_code == 303
    (comment,) = call(client, "GET", f"traces/{TRACE_ID}/comments")["data"]
    call(client, "PATCH", f"comments/{comment['id']}", {"text": "theirs"}, 403)
    by_hand = next(
        score
        for score in call(client, "GET", f"traces/{TRACE_ID}/scores")["data"]
        if score["name"] == "ok"
    )
    assert (by_hand["author"], by_hand["source"], by_hand["value"]) == ("Ada", "annotation", True)
    assert call(client, "GET", f"scores/{by_hand['id']}") == by_hand
    for path in (f"comments/{comment['id']}", f"scores/{by_hand['id']}"):
        assert call(client, "DELETE", path)["deleted"]
        call(client, "GET", path, status=404)


@BOTH
def test_a_share_link_is_created_opened_and_revoked(client: FlaskClient, path: str) -> None:
    sent = {"show_comments": True, "author": "Ada", "expires_at": "2099-01-01T00:00:00Z"}
    made = call(client, "POST", f"{path}/shares", sent, 201)
    address = urlsplit(made.pop("url")).path
    assert client.get(address, headers=FRAGMENT).status_code in (200, 302)
    assert call(client, "GET", f"{path}/shares") == {"data": [made]}
    assert call(client, "DELETE", f"shares/{made['id']}")["revoked_at"]
    assert client.get(address).status_code == 404
    call(client, "POST", f"{path.partition('/')[0]}/nope/shares", {}, 404)


@BOTH
def test_a_delete_counts_what_it_removes_and_removes_it(client: FlaskClient, path: str) -> None:
    call(client, "POST", "comments", {"trace_id": TRACE_ID, "text": "x"})
    counts = {"traces": 1, "spans": 2, "scores": 1, "comments": 1, "shares": 0}
    assert call(client, "DELETE", f"{path}?dry_run=true") == {"deleted": False, **counts}
    assert call(client, "GET", path)
    assert call(client, "DELETE", path) == {"deleted": True, **counts}
    for gone in (f"traces/{TRACE_ID}", f"traces/{TRACE_ID}/spans/s1", "sessions/chat"):
        call(client, "GET", gone, status=404)
    call(client, "DELETE", path, status=404)


def test_late_records_are_refused_with_a_reason_by_every_route(client: FlaskClient) -> None:
    call(client, "DELETE", f"traces/{TRACE_ID}")
    late = {"trace_id": TRACE_ID, "name": "late"}
    fine = {"trace_id": "new", "name": "fine"}
    score = {"trace_id": TRACE_ID, "name": "good", "value": 1}
    batch = call(client, "POST", "batch", {"spans": [late, fine], "scores": [score]})
    statuses = {result["item"]: result["status"] for result in batch["results"]}
    assert statuses == {"spans[0]": 422, "spans[1]": 201, "scores[0]": 422}
    assert batch["results"][0]["errors"][0]["expected"] == DELETED
    for method, path, body in (
        ("POST", "traces", {"id": TRACE_ID, "name": "again"}),
        ("PATCH", f"traces/{TRACE_ID}", {"name": "again"}),
        ("POST", f"traces/{TRACE_ID}/spans", {"name": "late"}),
        ("PATCH", f"traces/{TRACE_ID}/spans/s1", {"name": "late"}),
        ("POST", "scores", score),
    ):
        assert DELETED in call(client, method, path, body, 422)["detail"]
    call(client, "GET", f"traces/{TRACE_ID}", status=404)


@pytest.mark.parametrize("kind", ["application/json", "application/x-protobuf"])
def test_otlp_counts_and_explains_late_spans(client: FlaskClient, kind: str) -> None:
    call(client, "DELETE", f"traces/{TRACE_ID}")
    spans = span(traceId=TRACE_ID), span(traceId="f" * 32)
    body = encode_protobuf(*spans) if "protobuf" in kind else encode_json(*spans)
    answer = client.post("/v1/traces", data=body, content_type=kind)
    assert answer.status_code == 200
    if "protobuf" in kind:
        partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
        refused, message = partial.rejected_spans, partial.error_message
    else:
        partial = answer.get_json()["partialSuccess"]
        refused, message = int(partial["rejectedSpans"]), partial["errorMessage"]
    assert refused == 1
    assert DELETED in message
    assert TRACE_ID in message
    call(client, "GET", f"traces/{'f' * 32}")
    call(client, "GET", f"traces/{TRACE_ID}", status=404)
