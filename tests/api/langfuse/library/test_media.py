"""Media over Langfuse's API: announced, uploaded to the URL that was given, downloaded."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.http import path_of
from tracer.store.database.session import transaction
from tracer.store.library.media import MediaUse, announce, get_medium

CONTENT = bytes(range(256)) * 10
PUBLIC = "/api/public"


def body(content: bytes = CONTENT, **more: Any) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    fields = {"traceId": "t", "observationId": "s", "field": "input", "contentType": "image/png"}
    return {**fields, "contentLength": len(content), "sha256Hash": digest, **more}


def announced(client: FlaskClient, **more: Any) -> Any:
    answer = client.post(f"{PUBLIC}/media", json=body(**more))
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_a_file_is_uploaded_once_and_downloaded(client: FlaskClient) -> None:
    announcement = announced(client)
    assert client.get(f"{PUBLIC}/media/{announcement['mediaId']}").status_code == 404
    put = client.put(path_of(announcement["uploadUrl"]), data=CONTENT, content_type="image/png")
    assert put.status_code == 200, put.text
    report = {"uploadedAt": "2026-01-01T00:00:00Z", "uploadHttpStatus": 200}
    assert client.patch(f"{PUBLIC}/media/{announcement['mediaId']}", json=report).status_code == 200
    medium = client.get(f"{PUBLIC}/media/{announcement['mediaId']}").get_json()
    assert (medium["contentType"], medium["contentLength"]) == ("image/png", len(CONTENT))
    fetched = client.get(path_of(medium["url"]))
    assert fetched.data == CONTENT
    assert announced(client)["uploadUrl"] is None


def test_the_id_is_the_one_that_clients_compute(client: FlaskClient) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert announced(client)["mediaId"] == digest[:22]


def test_content_other_than_announced_is_refused(client: FlaskClient) -> None:
    path = path_of(announced(client)["uploadUrl"])
    for content in (CONTENT[:-1], CONTENT + b"x"):
        assert client.put(path, data=content).status_code == 403
    assert client.put(path, data=b"z" * len(CONTENT)).status_code == 400


def test_a_wrong_length_does_not_block_the_content(client: FlaskClient) -> None:
    announced(client, contentLength=100)
    second = announced(client)
    assert client.put(path_of(second["uploadUrl"]), data=CONTENT).status_code == 200
    assert announced(client, contentLength=100)["uploadUrl"] is None
    medium = client.get(f"{PUBLIC}/media/{second['mediaId']}").get_json()
    assert medium["contentLength"] == len(CONTENT)


def test_another_type_of_the_same_content_is_uploaded_again(client: FlaskClient) -> None:
    first = announced(client)
    client.put(path_of(first["uploadUrl"]), data=CONTENT)
    second = announced(client, contentType="image/webp")
    assert second["uploadUrl"] is not None
    medium = client.get(f"{PUBLIC}/media/{first['mediaId']}").get_json()
    assert medium["contentType"] == "image/webp"
    assert client.get(path_of(medium["url"])).data == CONTENT
    assert client.put(path_of(second["uploadUrl"]), data=CONTENT).status_code == 200
    assert announced(client, contentType="image/webp")["uploadUrl"] is None


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf"])
def test_content_that_could_run_in_a_browser_is_sandboxed(
    client: FlaskClient, content_type: str
) -> None:
    announcement = announced(client, contentType=content_type)
    client.put(path_of(announcement["uploadUrl"]), data=CONTENT)
    fetched = client.get(path_of(announcement["uploadUrl"]))
    assert fetched.headers["Content-Disposition"] == "attachment"
    assert fetched.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"


def test_an_upload_url_is_for_one_file_of_one_project(app: Flask, client: FlaskClient) -> None:
    path = path_of(announced(client)["uploadUrl"])
    for forged in (f"{path}x", path[:-4], f"{PUBLIC}/media/content/abc"):
        assert client.put(forged, data=CONTENT).status_code == 401
    client.put(path, data=CONTENT)
    with app.app_context(), transaction():
        digest = body()["sha256Hash"]
        other = announce(
            "other",
            digest[:22],
            digest,
            "image/png",
            len(CONTENT),
            MediaUse(trace_id="t", span_id="", field="input"),
        )
        assert other is not None
        assert other.uploaded_at is None
    with app.app_context():
        mine = get_medium("default", announced(client)["mediaId"])
        assert mine is not None
        assert mine.uploaded_at is not None


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"traceId": None}, "traceId"),
        ({"sha256Hash": "abc"}, "sha256Hash"),
        ({"contentLength": -1}, "contentLength"),
        ({"contentLength": 10**10}, "contentLength"),
        ({"contentType": "x\x00y"}, "contentType"),
        ({"contentType": "application/x-nope"}, "contentType"),
    ],
)
def test_a_bad_announcement_is_refused_by_field(client: FlaskClient, more: Any, field: str) -> None:
    answer = client.post(f"{PUBLIC}/media", json=body(**more))
    assert answer.status_code == 400, answer.text
    assert [issue["path"] for issue in answer.get_json()["error"]] == [[field]]
