"""The pages of prompts and datasets."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage
from tracer.store.library.dataset_runs import add_run_item, save_run
from tracer.store.library.datasets import delete_item, save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version

HOSTILE = '<script>alert(1)</script>{{ 7*7 }} <img src=x onerror="alert(2)">'


def texts(page: Element, tag: str) -> list[str]:
    return [cell.text for cell in page.all(tag)]


@pytest.mark.parametrize(("path", "words"), [("/prompts", "No prompts"), ("/datasets", "No data")])
def test_an_empty_list_explains_how_to_fill_it(get_page: GetPage, path: str, words: str) -> None:
    assert words in get_page(path).text


def test_prompts_are_listed_with_their_labels(project: str, get_page: GetPage) -> None:
    create_version(project, PromptDraft(name="a/b", type="text", prompt="x", labels=("prod",)))
    [row] = get_page("/prompts").all("tbody")
    assert "a/b" in row.text
    assert {"prod", "latest"} <= {tag.text for tag in row.all("span")}
    [link] = row.all("a")
    assert "x" in get_page(link["href"].removeprefix("/project/default")).text


def test_a_prompt_shows_the_requested_version(project: str, get_page: GetPage) -> None:
    for text in ("first words", "second words"):
        create_version(project, PromptDraft(name="greet", type="text", prompt=text))
    assert "second words" in get_page("/prompts/greet").text
    older = get_page("/prompts/greet?version=1")
    assert "first words" in older.text
    assert "second words" not in older.text
    get_page("/prompts/greet?version=9", status=404)
    get_page("/prompts/nope", status=404)


def test_a_run_shows_the_scores_of_the_whole_run(
    project: str, get_page: GetPage, client: FlaskClient
) -> None:
    dataset = save_dataset(project, "faq", {})
    run = save_run(project, dataset.dataset_id, "v1", None, None)
    assert not get_page("/datasets/faq/runs/v1").all("section")
    score = {"datasetRunId": run.run_id, "name": "mean", "value": 0.25, "comment": HOSTILE}
    assert client.post("/api/public/scores", json=score).status_code == 200
    [shown] = get_page("/datasets/faq/runs/v1").all("section")
    assert shown.one("b").text == "mean"
    assert "0.25" in shown.text
    assert "alert(1)" in shown.text
    assert not shown.all("img")


def test_a_chat_prompt_is_shown_as_messages(project: str, get_page: GetPage) -> None:
    messages = [{"role": "user", "content": "Hello **you**"}]
    create_version(project, PromptDraft(name="chat", type="chat", prompt=messages, config={"t": 1}))
    shown = get_page("/prompts/chat")
    assert "user" in texts(shown, "p")
    assert [bold.text for bold in shown.all("strong")] == ["you"]
    assert '"t"' in shown.text


def test_hostile_text_of_prompts_and_datasets_is_inert(project: str, get_page: GetPage) -> None:
    create_version(
        project, PromptDraft(name="p", type="text", prompt=HOSTILE, commit_message=HOSTILE)
    )
    dataset = save_dataset(project, "d", {"description": HOSTILE, "metadata": HOSTILE})
    item = {"input": HOSTILE, "expected_output": {HOSTILE: HOSTILE}}
    save_item(project, dataset.dataset_id, "i", item)
    save_run(project, dataset.dataset_id, "r", HOSTILE, HOSTILE)
    for path in ("/prompts", "/prompts/p", "/datasets", "/datasets/d"):
        shown = get_page(path)
        assert not shown.all("img"), path
        scripts = [script.text for script in shown.all("script")]
        assert scripts, path
        assert [text for text in scripts if "alert" in text] == [], path
    for path in ("/datasets/d/items/i", "/datasets/d/runs/r"):
        shown = get_page(path)
        assert "alert(1)" in shown.text
        assert not shown.all("img"), path


def test_a_dataset_shows_its_items_as_of_any_time(project: str, get_page: GetPage) -> None:
    faq = save_dataset(project, "faq", {}).dataset_id
    first = save_item(project, faq, "i", {"input": "old question"})
    save_item(project, faq, "i", {"input": "new question"})
    assert "new question" in get_page("/datasets/faq").text
    then = first.valid_from.isoformat().replace("+", "%2B")
    assert "old question" in get_page(f"/datasets/faq?at={then}").text
    assert "has no time zone" in get_page("/datasets/faq?at=2026-01-01", status=400).text
    get_page("/datasets/faq?at=soon", status=400)


def test_an_item_shows_its_versions_after_it_is_deleted(project: str, get_page: GetPage) -> None:
    faq = save_dataset(project, "faq", {}).dataset_id
    save_item(project, faq, "i", {"input": "old question", "source_trace_id": "t/1"})
    save_item(project, faq, "i", {"input": "new question"})
    delete_item(project, "i")
    shown = get_page("/datasets/faq/items/i")
    assert "This item is deleted" in shown.text
    assert "old question" in shown.text
    assert "new question" in shown.text
    get_page("/datasets/faq/items/nope", status=404)


def test_a_run_links_to_its_traces(project: str, get_page: GetPage) -> None:
    dataset = save_dataset(project, "faq", {})
    run = save_run(project, dataset.dataset_id, "v1", None, {"k": 1})
    add_run_item(project, run.run_id, "i", "t/1", "s1")
    shown = get_page("/datasets/faq/runs/v1")
    assert "/project/default/traces/t%2F1?span=s1" in {link["href"] for link in shown.all("a")}
    get_page("/datasets/faq/runs/v2", status=404)
