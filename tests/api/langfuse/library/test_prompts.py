"""Prompts over Langfuse's API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

PROMPTS = "/api/public/v2/prompts"


def make(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post(PROMPTS, json={"name": "greet", "prompt": "Hello {{name}}", **fields})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def fetch(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(f"{PROMPTS}{path}")
    assert answer.status_code == status, answer.text
    return answer.get_json()


def test_a_prompt_is_fetched_by_label_and_by_version(client: FlaskClient) -> None:
    made = make(client, labels=["production"], tags=["t"], config={"model": "m"})
    assert (made["version"], made["type"], made["config"]) == (1, "text", {"model": "m"})
    make(client, prompt="Hi", commitMessage="shorter")
    assert fetch(client, "/greet")["prompt"] == "Hello {{name}}"
    assert fetch(client, "/greet?label=latest")["prompt"] == "Hi"
    assert fetch(client, "/greet?version=2")["commitMessage"] == "shorter"
    assert fetch(client, "/greet?version=1")["labels"] == ["production"]


def test_a_missing_prompt_has_the_error_that_clients_know(client: FlaskClient) -> None:
    make(client)
    for path in ("/nope", "/greet", "/greet?version=7", "/greet?label=canary"):
        error = fetch(client, path, 404)
        assert error["error"] == "LangfuseNotFoundError"
        assert "not found" in error["message"]


def test_a_name_may_be_a_path(client: FlaskClient) -> None:
    make(client, name="a/b c", labels=["production"])
    assert fetch(client, "/a%2Fb%20c")["name"] == "a/b c"


def test_a_chat_prompt_keeps_messages_and_placeholders(client: FlaskClient) -> None:
    messages = [
        {"role": "system", "content": "Be kind"},
        {"type": "placeholder", "name": "history"},
        {"type": "chatmessage", "role": "user", "content": "{{q}}"},
    ]
    make(client, type="chat", prompt=messages, labels=["production"])
    assert fetch(client, "/greet")["prompt"] == messages


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt": 5}, "prompt"),
        ({"type": "chat", "prompt": "text"}, "prompt"),
        ({"type": "chat", "prompt": [{"role": "user"}]}, "prompt[0].content"),
        ({"name": ""}, "name"),
        ({"labels": ["a\x00"]}, "labels"),
        ({"tags": ["\ud800"]}, "tags"),
    ],
)
def test_an_invalid_prompt_is_refused_with_its_field(
    client: FlaskClient, fields: Any, field: str
) -> None:
    answer = client.post(PROMPTS, json={"name": "greet", "prompt": "x", **fields})
    assert answer.status_code == 400
    [issue] = answer.get_json()["error"]
    assert ".".join(issue["path"]).startswith(field)


def test_labels_move_and_latest_does_not(client: FlaskClient) -> None:
    make(client, labels=["production"])
    make(client, prompt="Hi")
    moved = client.patch(f"{PROMPTS}/greet/versions/2", json={"newLabels": ["production", "eu"]})
    assert moved.get_json()["labels"] == ["eu", "latest", "production"]
    assert fetch(client, "/greet?version=1")["labels"] == []
    assert (
        client.patch(f"{PROMPTS}/greet/versions/1", json={"newLabels": ["latest"]}).status_code
        == 400
    )
    assert client.patch(f"{PROMPTS}/greet/versions/9", json={"newLabels": ["x"]}).status_code == 404


def test_references_to_other_prompts_are_filled_in(client: FlaskClient) -> None:
    make(client, name="tone", prompt="kindly", labels=["production"])
    make(client, name="tone", prompt="briefly")
    text = (
        "Answer @@@langfusePrompt:name=tone|label=production@@@"
        " or @@@langfusePrompt:name=tone|version=2@@@."
    )
    make(client, prompt=text, labels=["production"])
    assert fetch(client, "/greet")["prompt"] == "Answer kindly or briefly."
    assert fetch(client, "/greet?resolve=false")["prompt"] == text


def test_prompts_that_refer_to_each_other_in_a_cycle_are_an_error(client: FlaskClient) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        text = f"@@@langfusePrompt:name={other}|label=production@@@"
        make(client, name=name, prompt=text, labels=["production"])
    assert "circle" in fetch(client, "/a", 400)["message"]


def test_the_list_has_pages(client: FlaskClient) -> None:
    for name in "abc":
        make(client, name=name)
    first = fetch(client, "?limit=2")
    assert first["meta"] == {"page": 1, "limit": 2, "totalItems": 3, "totalPages": 2}
    assert [row["name"] for row in first["data"]] == ["c", "b"]
    assert [row["name"] for row in fetch(client, "?limit=2&page=2")["data"]] == ["a"]
    assert fetch(client, "?name=b")["data"][0]["versions"] == [1]
    fetch(client, "?limit=0", 400)


def test_a_version_and_a_whole_prompt_are_deleted(client: FlaskClient) -> None:
    make(client)
    make(client)
    assert client.delete(f"{PROMPTS}/greet?version=1").status_code == 200
    fetch(client, "/greet?version=1", 404)
    assert client.delete(f"{PROMPTS}/greet").status_code == 200
    assert client.delete(f"{PROMPTS}/greet").status_code == 404
