"""The pages of prompts and datasets."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces, post_form
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store.database.session import transaction
from tracer.store.library.dataset_runs import add_run_item, save_run
from tracer.store.library.datasets import delete_item, save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version, get_version

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
    assert "prod v1" in {tag.text for tag in row.all("span")}
    [link] = row.all("a")
    assert "x" in get_page(link["href"].removeprefix("/project/default")).text
    assert "a/b" in get_page("/prompts?q=A/").one("tbody").text
    assert "No prompt has" in get_page("/prompts?q=zz%25").text


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
    with transaction():
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
    assert "2026-01-01 00:00:00.000 UTC" in get_page("/datasets/faq?at=2026-01-01").text
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


def store_two_versions(project: str, store_traces: StoreTraces) -> None:
    """Two versions of a prompt, each named by a model call; the second call failed."""
    for number, text in enumerate(
        ("Answer {{question}} now.", "Answer {{question}} in {{tone}}."), 1
    ):
        create_version(
            project,
            PromptDraft(
                name="greet", type="text", prompt=text, config={"n": number}, labels=("production",)
            ),
        )
        failure = {"level": "error", "status_message": "no"} if number == 2 else {}
        trace = TraceBuilder(f"t{number}", name="reply", input=f"Q{number}")
        trace.generation(
            *("call", None, 0, number),
            prompt_name="greet",
            prompt_version=number,
            usage={"input": 10},
            **failure,
        )
        store_traces(trace.score("helpful", number / 4))


def test_a_prompt_shows_what_each_version_did(
    project: str, get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_two_versions(project, store_traces)
    shown = get_page("/prompts/greet")
    table = shown.one("div", "sums")
    assert [cell.text for cell in table.one("thead").all("th")][-2:] == [
        "helpful",
        "helpful by day",
    ]
    rows = [[cell.text for cell in row.all("td")] for row in table.one("tbody").all("tr")]
    assert rows[0][:5] == ["v2 production", "1", "1", "2.00 s", "2.00 s ▲ 1.00 s"]
    assert (rows[0][-2], rows[1][1], rows[1][2], rows[1][-2]) == ("0.5 ▲ 0.25", "1", "", "0.25")
    assert [cell.text for cell in table.one("tfoot").all("td")][:3] == ["All", "2", "1"]
    assert "1 call" in shown.one("nav", "vers").text
    assert "+2 −1" in shown.one("nav", "vers").text
    older = shown.one("h2", id="did").one("a")["href"]
    assert "generations?q=prompt:greet" in older
    listed = get_page("/prompts").one("tbody").text
    assert "2.00 s" in listed


def test_prompts_are_sorted_by_calls_or_by_change(
    project: str, get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_two_versions(project, store_traces)
    create_version(project, PromptDraft(name="a-new", type="text", prompt="x"))

    def listed(path: str) -> list[str]:
        return [link.text for link in get_page(path).one("tbody").all("a", "open")]

    assert listed("/prompts") == ["greet", "a-new"]
    assert listed("/prompts?sort=changed") == ["a-new", "greet"]
    assert listed("/prompts?sort=changed&q=e") == ["a-new", "greet"]
    link = get_page("/prompts?q=e").one("th", "when").one("a")["href"]
    assert listed(f"/prompts{link}") == ["a-new", "greet"]


def test_prompts_whose_score_fell_show_since_which_version(
    project: str, get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_two_versions(project, store_traces)
    assert "▼" not in get_page("/prompts").one("tbody").text
    for number in (3, 4):
        create_version(project, PromptDraft(name="greet", type="text", prompt=f"Text {number}"))
    trace = TraceBuilder("t4", name="reply")
    trace.generation("call", None, 0, 1, prompt_name="greet", prompt_version=4)
    store_traces(trace.score("helpful", 0.1))
    [row] = get_page("/prompts").one("tbody").all("tr")
    [fell] = [cell for cell in row.all("td") if "▼" in cell.text]
    assert (fell.text, fell["title"]) == ("▼ 0.4 v4", "helpful: 0.5 before, 0.1 with v4")
    assert "helpful fell with v4" in get_page("/prompts/greet").text


def test_a_prompt_shows_its_changes_variables_labels_and_traces(
    project: str, get_page: GetPage, store_traces: StoreTraces
) -> None:
    store_two_versions(project, store_traces)
    shown = get_page("/prompts/greet")
    changes = [element.text for element in shown.all("ins")]
    assert changes == ["in {{tone}}", "2"]
    assert [element.text for element in shown.all("del")] == ["now", "1"]
    aside = shown.one("aside")
    assert [name.text for name in aside.all("code", "tag")] == ["question", "tone"]
    labels = [[cell.text for cell in row.all("td")] for row in aside.one("tbody").all("tr")]
    assert ["production", "v2"] in labels
    [trace] = shown.one("table", "uses").one("tbody").all("tr")
    assert "Q2" in trace.text
    assert trace.one("a", "open")["href"] == "/project/default/traces/t2?span=call"
    older = get_page("/prompts/greet?version=1")
    assert not older.all("ins")
    assert "Q1" in older.one("table", "uses").text
    assert get_page("/prompts/greet?version=1&against=2").all("ins")
    get_page("/prompts/greet?against=9", status=404)


def test_a_prompt_is_downloaded_and_deleted(project: str, client: FlaskClient) -> None:
    for text in ("one {{a}}", "two"):
        create_version(project, PromptDraft(name="greet/x", type="text", prompt=text))
    path = "/project/default/prompts/greet%2Fx"
    assert "<mark>{{a}}</mark>" in client.get(f"{path}?version=1").text
    versions = client.get(f"{path}/export").get_json()["versions"]
    assert [each["prompt"] for each in versions] == ["two", "one {{a}}"]
    assert "2 versions" in client.get(f"{path}/delete").text
    post_form(client, f"{path}/delete")
    assert get_version(project, "greet/x", label="latest") is None
    post_form(client, f"{path}/delete", 404)


def test_a_label_is_moved_to_another_version(project: str, client: FlaskClient) -> None:
    for text in ("one", "two"):
        create_version(project, PromptDraft(name="greet", type="text", prompt=text))
    headers = {"Sec-Fetch-Site": "same-origin"}
    path = "/project/default/prompts/greet/labels"
    form = {"label": "production", "version": "1"}
    answer = client.post(path, data=form, headers=headers)
    assert (answer.status_code, answer.location) == (
        303,
        "/project/default/prompts/greet?version=1",
    )
    version = get_version(project, "greet", label="production")
    assert version is not None
    assert version.version == 1
    for wrong, status in (
        ({"label": "latest"}, 422),
        ({"label": ""}, 422),
        ({"version": "9"}, 404),
    ):
        assert client.post(path, data=form | wrong, headers=headers).status_code == status
    assert client.post(path, data=form).status_code == 403


def test_a_prompt_without_calls_shows_how_to_use_it(project: str, get_page: GetPage) -> None:
    create_version(project, PromptDraft(name="greet", type="text", prompt="Hi {{who}} {{a-b}}"))
    shown = get_page("/prompts/greet")
    program = shown.one("pre", "code", aria_label="Use it").text
    assert (
        program
        == "prompt = langfuse.get_prompt('greet', label='latest') text = prompt.compile(who=who)"
    )
    assert "No version has the label production" in shown.text
    create_version(
        project, PromptDraft(name="greet", type="text", prompt="x", labels=("production",))
    )
    shown = get_page("/prompts/greet")
    program = shown.one("pre", "code", aria_label="Use it").text
    assert program == "prompt = langfuse.get_prompt('greet') text = prompt.compile()"
    assert "No version has the label production" not in shown.text
