"""Prompts, datasets and items that are written on their pages."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.requests import FRAGMENT, SAME_ORIGIN, GetPage, post_form
from tracer.records import Json
from tracer.store.database.session import transaction
from tracer.store.library.datasets import (
    delete_item,
    get_dataset,
    list_items,
    list_states,
    save_dataset,
    save_item,
)
from tracer.store.library.prompts import PromptDraft, PromptVersion, create_version, get_version
from tracer.ui.library.written import MAX_TEXT_LENGTH, editable_text, read_value

PROMPTS, DATASETS = "/project/default/prompts", "/project/default/datasets"


def newest(name: str) -> PromptVersion:
    version = get_version("default", name, label="latest")
    assert version is not None
    return version


@pytest.mark.usefixtures("project")
def test_a_prompt_is_written_and_its_versions_after_it(
    client: FlaskClient, get_page: GetPage
) -> None:
    first = {"name": "faq-greet", "type": "text", "text": "Hi {{who}}\r\n", "labels": "a, b,a"}
    answer = post_form(client, f"{PROMPTS}/new", **first)
    assert answer.location == f"{PROMPTS}/faq-greet?version=1"
    assert (newest("faq-greet").prompt, newest("faq-greet").config) == ("Hi {{who}}\n", {})
    form = get_page("/prompts/faq-greet/new").one("form", "written")
    assert "Hi {{who}}" in form.one("textarea", name="text").text
    second = {"text": "Hello", "config": '{"t": 0.12345678901234567890}', "message": "Shorter"}
    post_form(client, f"{PROMPTS}/faq-greet/new", **second, labels="b")
    version = newest("faq-greet")
    assert (version.prompt, version.commit_message) == ("Hello", "Shorter")
    assert set(version.labels) == {"b", "latest"}
    assert "0.12345678901234567890" in get_page("/prompts/faq-greet").text
    for wrong in (
        {"name": "new", "type": "text", "text": "x"},
        {"name": "faq-greet", "type": "text", "text": "x"},
        {"name": "x", "type": "image", "text": "x"},
        {"name": "x", "type": "text", "text": " "},
        {"name": "x", "type": "text", "text": "x", "config": "{"},
        {"name": "x", "type": "text", "text": "x", "labels": "latest"},
    ):
        post_form(client, f"{PROMPTS}/new", 422, **wrong)


def test_chat_messages_are_fields_and_other_messages_are_json(
    project: str, client: FlaskClient, get_page: GetPage
) -> None:
    sent = {"name": "c", "type": "chat", "role": ["system", "", "user"]}
    post_form(client, f"{PROMPTS}/new", **sent, content=["Be brief.", "{{q}}", " "])
    messages: list[Json] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "{{q}}"},
    ]
    assert newest("c").prompt == messages
    fields = get_page("/prompts/c/new").all("textarea", name="content")
    assert [field.text for field in fields] == ["Be brief.", "{{q}}", "", ""]
    messages_with_placeholder: list[Json] = [*messages, {"type": "placeholder", "name": "history"}]
    create_version(project, PromptDraft(name="c", type="chat", prompt=messages_with_placeholder))
    assert "placeholder" in get_page("/prompts/c/new").one("textarea", name="text").text
    assert get_page("/prompts/c/new?from=1").all("textarea", name="content")
    post_form(client, f"{PROMPTS}/c/new", 422, text="[1]")


def test_an_item_whose_text_looks_like_unstorable_json_is_shown_and_saved_unchanged(
    project: str, client: FlaskClient, get_page: GetPage
) -> None:
    texts = ['{"a": "\\u0000"}', '"\\ud83d"', '["\\ud83d\\ude00"]', "a\rb"]
    assert [read_value("input", editable_text(text)) for text in texts] == texts
    dataset = save_dataset(project, "d", {})
    # More characters than a form takes: sent over the API.
    long = "x" * (MAX_TEXT_LENGTH + 1)
    for number, text in enumerate([texts[0], long]):
        save_item(project, dataset.dataset_id, f"i{number}", {"input": text})
    shown = get_page("/datasets/d/items/i0").one("textarea", name="input").text
    assert read_value("input", shown) == texts[0]
    get_page("/datasets/d/items/i1")
    answer = post_form(client, f"{DATASETS}/d/items/i0", input=shown)
    assert answer.status_code == 303
    post_form(client, f"{DATASETS}/d/items/i0", 422, input=texts[0])


@pytest.mark.usefixtures("project")
def test_htmx_is_led_to_the_page_or_given_the_reason(client: FlaskClient) -> None:
    headers = {**FRAGMENT, **SAME_ORIGIN}
    for text, status, led in (("x", 200, f"{PROMPTS}/p?version=1"), ("", 422, None)):
        form = {"name": "p" if text else "q", "type": "text", "text": text}
        answer = client.post(f"{PROMPTS}/new", data=form, headers=headers)
        assert (answer.status_code, answer.headers.get("HX-Redirect")) == (status, led)


def test_a_dataset_and_its_items_are_written_edited_and_archived(
    project: str, client: FlaskClient, get_page: GetPage
) -> None:
    post_form(client, DATASETS, name="faq", description="Questions")
    post_form(client, DATASETS, 422, name="faq")
    dataset = get_dataset(project, "faq")
    assert dataset is not None
    assert dataset.description == "Questions"
    post_form(client, f"{DATASETS}/faq/new", input='{"q": 1.10}', expected_output="Yes: it is.")
    [item], _ = list_items(project, dataset.dataset_id, limit=9)
    assert (item.input, item.expected_output, item.metadata) == ({"q": 1.1}, "Yes: it is.", None)
    path = f"{DATASETS}/faq/items/{item.item_id}"
    form = get_page(path.removeprefix("/project/default")).one("form", "written")
    assert form.one("textarea", name="expected_output").text == "Yes: it is."
    post_form(client, path, input="Why?", expected_output='"1"', metadata="[]", action="save")
    for action, archived in (("archive", True), ("restore", False)):
        post_form(client, path, action=action)
        assert list_states(project, item.item_id)[0].archived is archived
    states = list_states(project, item.item_id)
    assert (states[0].input, states[0].expected_output, len(states)) == ("Why?", "1", 4)
    get_page("/datasets/nope/new", status=404)


def test_ticked_items_are_archived_deleted_and_brought_back(
    project: str, client: FlaskClient, get_page: GetPage
) -> None:
    dataset = save_dataset(project, "d", {})
    other = save_dataset(project, "e", {})
    for number in range(3):
        save_item(project, dataset.dataset_id, f"i{number}", {"input": f"question {number}"})
    save_item(project, other.dataset_id, "foreign", {"input": "?"})
    path = f"{DATASETS}/d/items"

    def listed(query: str = "") -> list[str]:
        boxes = get_page(f"/datasets/d{query}").one("main").all("input", name="item")
        return sorted(box["value"] for box in boxes)

    def current() -> int:
        return list_items(project, dataset.dataset_id, archived=None, limit=9)[1]

    answer = post_form(client, path, item=["i0", "i1", "foreign"], action="archive")
    assert (listed(), listed("?show=archived")) == (["i2"], ["i0", "i1"])
    assert "2 archived" in get_page("/datasets/d").text
    undo = get_page(answer.location.removeprefix("/project/default")).one("form", "alert")
    assert undo.text.split()[:3] == ["2", "items", "archived."]
    assert [field["value"] for field in undo.all("input")] == ["i0", "i1"]
    post_form(client, undo["action"], item=["i0", "i1"], action=undo.one("button")["value"])
    assert listed() == ["i0", "i1", "i2"]
    confirmation = client.post(path, data={"item": ["i1"], "action": "delete"}, headers=SAME_ORIGIN)
    assert "question 1" in confirmation.text
    assert current() == 3
    created = list_states(project, "i1")[-1].created_at
    post_form(client, path, item=["i1", "foreign"], action="delete", sure="1")
    assert (current(), len(list_items(project, other.dataset_id, limit=9)[0])) == (2, 1)
    post_form(client, path, item=["i1", "foreign", "nope"], action="undelete")
    assert current() == 3
    assert list_states(project, "i1")[0].created_at == created
    post_form(client, path, 422, action="archive")
    post_form(client, path, 422, item=["i1"], action="paint")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_items_are_downloaded_and_uploaded_again(
    project: str, client: FlaskClient, form: str
) -> None:
    values = {"input": {"q": 'Why, "so"?\n', "n": 0.1}, "expected_output": "=1+1", "metadata": []}
    with transaction():
        dataset = save_dataset(project, "d", {})
        save_item(project, dataset.dataset_id, "i/1", values)
        save_item(project, dataset.dataset_id, "i2", {"input": "plain"})
        copy = save_dataset(project, "copy", {})
    whole = client.get(f"{DATASETS}/d/export?format={form}")
    single = client.get(f"{DATASETS}/d/export?format={form}&item=i2").text
    assert ("plain" in single, "Why" in single) == (True, False)
    upload = f"{DATASETS}/copy/upload"

    def send(body: bytes, status: int = 303) -> str:
        data = {"file": (io.BytesIO(body), f"items.{form}")}
        answer = client.post(upload, data=data, headers=SAME_ORIGIN)
        assert answer.status_code == status, answer.text
        return answer.text

    assert "belongs to another dataset" in send(whole.data, 422)
    with transaction():
        assert all(delete_item(project, item_id) for item_id in ("i/1", "i2"))
    send(whole.data)
    items = {item.item_id: item for item in list_items(project, copy.dataset_id, limit=9)[0]}
    assert items["i2"].input == "plain"
    assert items["i/1"].input == values["input"]
    assert items["i/1"].metadata == []
    assert items["i/1"].expected_output == "=1+1"
    for wrong in (b"", b"\xff\xfe", b"[1]", b'{"a": 1}', b'{"input": 1}\n{', b"input\n"):
        send(wrong, 422)
    assert list_items(project, copy.dataset_id, limit=9)[1] == 2


def test_an_item_has_to_conform_to_the_schema_of_its_dataset(
    project: str, client: FlaskClient
) -> None:
    dataset = save_dataset(project, "d", {"input_schema": {"type": "object"}})
    answer = post_form(client, f"{DATASETS}/d/new", 422, input="text")
    assert "input" in answer.text
    save_item(project, save_dataset(project, "e", {}).dataset_id, "i", {"input": {}})
    for item in ("i", "nope"):
        post_form(client, f"{DATASETS}/d/items/{item}", 404, input="{}")
    assert list_items(project, dataset.dataset_id, limit=9) == ([], 0)


@pytest.mark.parametrize("value", [None, "a", "1", '"', "null", 1.5, {"a": [None]}, [], False])
def test_every_value_is_written_as_a_text_that_gives_it_again(app: Flask, value: Json) -> None:
    with app.test_request_context():
        assert read_value("field", editable_text(value)) == value
