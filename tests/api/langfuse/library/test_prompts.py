"""Prompts over Langfuse's API."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracer.store.database.session import transaction
from tracer.store.library.prompts import PromptDraft, create_version
from tracer.store.projects.projects import create_project

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
    assert moved.get_json()["labels"] == ["latest", "production", "eu"]
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


def refuse(client: FlaskClient, **fields: Any) -> str:
    """Return the text of the error with which a prompt is refused."""
    answer = client.post(PROMPTS, json={"name": "greet", "prompt": "x", **fields})
    assert answer.status_code == 400, answer.text
    return answer.text


def to(name: str, by: str = "label=production") -> str:
    return f"@@@langfusePrompt:name={name}|{by}@@@"


def test_a_reference_that_can_not_be_filled_in_is_refused_when_it_is_made(
    client: FlaskClient,
) -> None:
    make(client, name="chat", type="chat", prompt=[], labels=["production"])
    make(client, name="snip", labels=["production"])
    make(client, name="uses", prompt=f"A {to('snip')}", labels=["production"])
    for reason, text in (
        ("Circular", to("greet", "label=latest")),
        ("not found", to("missing")),
        ("not found", to("snip", "version=7")),
        ("not found", to("snip", "label=canary")),
        ("not a text prompt", to("chat")),
    ):
        assert reason in refuse(client, prompt=text)
    assert "Circular" in refuse(client, name="snip", prompt=to("uses"))
    assert "Circular" in refuse(client, name="snip", prompt=to("snip", "version=1"))
    message = {"role": "user", "content": f"B {to('missing')}"}
    assert "not found" in refuse(client, type="chat", prompt=[message])


def test_a_prompt_of_another_project_is_not_found(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        theirs = PromptDraft(name="snip", type="text", prompt="x", labels=("production",))
        create_version("other", theirs)
    assert "not found" in refuse(client, prompt=to("snip"))


def test_references_are_followed_five_prompts_deep(client: FlaskClient) -> None:
    make(client, name="p0", prompt="end", labels=["production"])
    for number in range(1, 5):
        text = f"{number} {to(f'p{number - 1}')}"
        make(client, name=f"p{number}", prompt=text, labels=["production"])
    assert fetch(client, "/p4")["prompt"] == "4 3 2 1 end"
    assert "depth" in refuse(client, prompt=to("p4"))


def test_references_make_a_prompt_only_so_much_longer(client: FlaskClient) -> None:
    make(client, name="p0", prompt="x" * 1_000, labels=["production"])
    make(client, name="p1", prompt=to("p0") * 1_000, labels=["production"])
    assert "longer than" in refuse(client, name="p2", prompt=to("p1") * 1_000)
    make(client, name="many", prompt="x", labels=[f"l{number}" for number in range(201)])
    every = "".join(to("many", f"label=l{number}") for number in range(201))
    assert "more than 200" in refuse(client, prompt=every)


@pytest.mark.parametrize(
    "text",
    [
        "A @@@langfusePrompt:invalid@@@",
        "A @@@langfusePrompt:label=production|name=x@@@",
        "A @@@langfusePrompt:name=x|label=a|version=1@@@",
        "A @@@langfusePrompt:name=x|version=one@@@",
        "A @@@langfusePrompt:name=x@@@",
        "A @@@langfusePrompt:@@@",
    ],
)
def test_a_text_that_only_looks_like_a_reference_is_left_alone(
    client: FlaskClient, text: str
) -> None:
    make(client, prompt=text, labels=["production"])
    assert fetch(client, "/greet")["prompt"] == text


def test_a_prompt_that_others_refer_to_is_not_deleted(client: FlaskClient) -> None:
    make(client, name="snip ü", prompt="one", labels=["production"])
    make(client, name="snip ü", prompt="two")
    make(client, name="uses", prompt=f"A {to('snip ü')}", labels=["production"])
    for query in ("", "?version=1", "?label=production"):
        answer = client.delete(f"{PROMPTS}/snip ü{query}")
        assert answer.status_code == 400, query
        assert "uses" in answer.text, query
    assert client.delete(f"{PROMPTS}/snip ü?version=2").status_code == 204
    assert fetch(client, "/uses")["prompt"] == "A one"
    assert client.delete(f"{PROMPTS}/uses").status_code == 204
    assert client.delete(f"{PROMPTS}/snip ü").status_code == 204
    assert client.delete(f"{PROMPTS}/snip ü?version=1&label=a").status_code == 400


def test_a_resolved_prompt_has_the_graph_of_what_it_refers_to(client: FlaskClient) -> None:
    make(client, name="snip", prompt="one", labels=["production"])
    make(client, prompt=to("snip"), labels=["production"])
    graph = fetch(client, "/greet")["resolutionGraph"]
    assert graph["root"]["name"] == "greet"
    [[node]] = graph["dependencies"].values()
    assert (node["name"], node["version"]) == ("snip", 1)
    assert fetch(client, "/greet?resolve=false")["resolutionGraph"] is None
    assert fetch(client, "/snip")["resolutionGraph"] is None


def test_labels_are_in_the_order_given_before_latest(client: FlaskClient) -> None:
    made = make(client, labels=["production", "eu", "aa"])
    assert made["labels"] == ["production", "eu", "aa", "latest"]
    client.patch(f"{PROMPTS}/greet/versions/1", json={"newLabels": ["z", "b", "eu"]})
    listed = fetch(client, "/greet?version=1")["labels"]
    assert listed == ["production", "eu", "aa", "latest", "z", "b"]
    assert make(client, labels=["eu"])["labels"] == ["eu", "latest"]
    assert fetch(client, "/greet?version=1")["labels"] == ["production", "aa", "z", "b"]


def test_the_type_of_a_prompt_does_not_change(client: FlaskClient) -> None:
    make(client)
    assert "InvalidRequestError" in refuse(client, type="chat", prompt=[])


@pytest.mark.parametrize(
    "name", ["/x", "x/", "a//b", "new", "metrics", "a|b", "<b>x</b>", "a/ /b", " "]
)
def test_a_name_that_is_no_path_is_refused(client: FlaskClient, name: str) -> None:
    assert "name" in refuse(client, name=name)


def test_a_placeholder_has_another_name_than_every_variable(client: FlaskClient) -> None:
    messages = [
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "about {{ history }}"},
    ]
    assert "must be unique: ['history']" in refuse(client, type="chat", prompt=messages)


def test_the_first_generations_route_reads_by_a_parameter(client: FlaskClient) -> None:
    make(client, labels=["production"])
    make(client, prompt="Hi")
    path = "/api/public/prompts"
    prompt = client.get(path, query_string={"name": "greet"}).get_json()
    assert (prompt["prompt"], prompt["version"], prompt["isActive"]) == ("Hello {{name}}", 1, True)
    prompt = client.get(path, query_string={"name": "greet", "version": 2}).get_json()
    assert (prompt["prompt"], prompt["isActive"]) == ("Hi", False)
    missing = client.get(path, query_string={"name": "none"})
    assert missing.status_code == 404
    assert missing.get_json() == {"error": "LangfuseNotFoundError", "message": "Prompt not found"}
    text = "@@@langfusePrompt:name=greet|label=production@@@"
    make(client, name="uses", prompt=text, labels=["production"])
    resolved = client.get(path, query_string={"name": "uses", "resolve": "false"}).get_json()
    assert resolved["prompt"] == "Hello {{name}}"
    assert client.get(path).status_code == 400
    legacy = {"name": "old", "prompt": "x", "isActive": True, "config": {}}
    assert client.post(path, json=legacy).get_json()["labels"] == ["production", "latest"]


def test_the_filters_of_the_list_are_on_versions(client: FlaskClient) -> None:
    make(client, labels=["production"])
    make(client, prompt="Hi", labels=["eu"])
    for query, versions, labels in (
        ("", [1, 2], ["eu", "latest", "production"]),
        ("?label=production", [1], ["production"]),
        ("?label=latest", [2], ["eu", "latest"]),
        ("?version=1", [1], ["production"]),
        ("?version=3", None, None),
    ):
        rows = fetch(client, query)["data"]
        listed = [(row["versions"], row["labels"]) for row in rows]
        assert listed == ([] if versions is None else [(versions, labels)]), query
    assert fetch(client, "")["meta"]["limit"] == 10


def test_the_list_has_pages(client: FlaskClient) -> None:
    for name in "abc":
        make(client, name=name)
    first = fetch(client, "?limit=2")
    assert first["meta"] == {"page": 1, "limit": 2, "totalItems": 3, "totalPages": 2}
    assert first["pagination"] == first["meta"]
    assert [row["name"] for row in first["data"]] == ["c", "b"]
    assert [row["name"] for row in fetch(client, "?limit=2&page=2")["data"]] == ["a"]
    assert fetch(client, "?name=b")["data"][0]["versions"] == [1]
    fetch(client, "?limit=0", 400)


def test_a_version_and_a_whole_prompt_are_deleted(client: FlaskClient) -> None:
    make(client)
    make(client)
    assert client.delete(f"{PROMPTS}/greet?version=1").status_code == 204
    fetch(client, "/greet?version=1", 404)
    assert client.delete(f"{PROMPTS}/greet").status_code == 204
    assert client.delete(f"{PROMPTS}/greet").status_code == 404
