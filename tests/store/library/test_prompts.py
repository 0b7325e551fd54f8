"""Prompts: version numbers are unique, labels move, versions never change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from tracer.store.database.conditions import Condition
from tracer.store.database.session import transaction
from tracer.store.library.prompt_lists import list_prompts
from tracer.store.library.prompts import (
    PromptDraft,
    create_version,
    delete_versions,
    get_version,
    label_version,
    list_versions,
)
from tracer.store.projects.projects import create_project


def add(project: str, text: str, *labels: str, name: str = "greet") -> int:
    draft = PromptDraft(name=name, type="text", prompt=text, labels=labels)
    with transaction():
        return create_version(project, draft).version


def text_of(project: str, **which: object) -> object:
    version = get_version(project, "greet", **which)  # type: ignore[arg-type]
    return None if version is None else version.prompt


def test_versions_are_numbered_and_the_newest_has_the_label_latest(project: str) -> None:
    assert [add(project, "one"), add(project, "two")] == [1, 2]
    assert text_of(project, version=1) == "one"
    assert text_of(project, label="latest") == "two"
    assert [version.labels for version in list_versions(project, "greet")] == [["latest"], []]


def test_a_label_points_to_one_version_and_moves_with_a_new_one(project: str) -> None:
    add(project, "one", "production")
    assert text_of(project, label="production") == "one"
    add(project, "two", "production", "canary")
    assert text_of(project, label="production") == "two"
    assert label_version(project, "greet", 1, ["production"])
    assert text_of(project, label="production") == "one"
    assert not label_version(project, "greet", 9, ["production"])


def test_the_label_latest_can_not_be_moved(project: str) -> None:
    add(project, "one", "latest")
    add(project, "two")
    assert label_version(project, "greet", 1, ["latest"])
    assert text_of(project, label="latest") == "two"


def test_the_number_of_a_deleted_version_is_not_reused(project: str) -> None:
    add(project, "one")
    add(project, "two", "production")
    assert delete_versions(project, "greet", label="production") == 1
    assert text_of(project, label="latest") == "one"
    assert add(project, "three") == 3
    assert delete_versions(project, "greet") == 2
    assert list_prompts(project, (), 10) == ([], 0)


def test_tags_belong_to_all_versions_and_are_kept_when_a_save_omits_them(project: str) -> None:
    first = PromptDraft(name="greet", type="text", prompt="a", tags=["b", "a", "a"])
    create_version(project, first)
    add(project, "two")
    assert [version.tags for version in list_versions(project, "greet")] == [["a", "b"]] * 2


def test_lists_are_filtered_and_paged_the_last_changed_first(project: str) -> None:
    add(project, "x", "production", name="a")
    create_version(
        project, PromptDraft(name="b", type="chat", prompt=[], tags=["t"], config={"k": 1})
    )
    add(project, "y", name="a")
    rows, total = list_prompts(project, (), 1)
    assert ([row.name for row in rows], total) == (["a"], 2)
    assert rows[0].versions == [1, 2]
    assert rows[0].labels == ["latest", "production"]
    assert [row.name for row in list_prompts(project, (), 1, 1)[0]] == ["b"]
    for wanted in (Condition("tags", "any of", ["t"]), Condition("name", "=", "b")):
        [row] = list_prompts(project, [wanted], 10)[0]
        assert (row.name, row.type, row.config) == ("b", "chat", {"k": 1})
    labelled = [Condition("labels", "any of", ["production"])]
    [row] = list_prompts(project, labelled, 10)[0]
    assert (row.name, row.versions, row.labels) == ("a", [1], ["production"])
    assert list_prompts(project, [Condition("labels", "any of", ["latest"])], 10)[1] == 2


def test_projects_have_prompts_of_their_own(project: str) -> None:
    create_project("other", "Other")
    add(project, "mine", "production")
    assert get_version("other", "greet", label="production") is None
    assert add("other", "theirs") == 1
    assert delete_versions("other", "greet") == 1
    assert text_of(project, version=1) == "mine"


def test_versions_that_are_created_at_once_get_different_numbers(app: Flask, project: str) -> None:
    def make(text: str) -> int:
        with app.app_context():
            return add(project, text, "production")

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(make, map(str, range(24))))
    assert sorted(numbers) == list(range(1, 25))
