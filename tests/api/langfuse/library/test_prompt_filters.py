"""The `filter` of the list of prompts: conditions on versions, before they are grouped."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.reads import filter_condition, get


@pytest.fixture
def stored(client: FlaskClient) -> FlaskClient:
    """Two prompts: a chat of one version, and a text of two with different labels and configs."""
    message = {"role": "user", "content": "x"}
    for body in (
        {"name": "tools/Search/description", "prompt": "1", "config": {"model": "small"}},
        {"name": "tools/Search/description", "prompt": "2", "labels": ["production", "eu"]},
        {
            "name": "a_b",
            "type": "chat",
            "prompt": [message],
            "tags": ["t", "u"],
            "config": {"k": 1},
        },
    ):
        assert client.post("/api/public/v2/prompts", json=body).status_code == 201
    return client


def listed(client: FlaskClient, *conditions: Any, **query: Any) -> dict[str, list[int]]:
    """Return the versions by the names of the prompts that these conditions leave."""
    page = get(client, "v2/prompts", filter=json.dumps(conditions), **query)
    assert page["meta"]["totalItems"] == len(page["data"])
    return {row["name"]: row["versions"] for row in page["data"]}


SEARCH, OTHER = "tools/Search/description", "a_b"


CONDITIONS: Final = (
    (filter_condition("string", "name", "starts with", "TOOLS/"), {SEARCH: [1, 2]}),
    (filter_condition("string", "name", "ends with", "%description"), {SEARCH: [1, 2]}),
    (filter_condition("string", "name", "contains", "s_arch"), {SEARCH: [1, 2]}),
    (filter_condition("string", "name", "contains", "a\\_b"), {OTHER: [1]}),
    (filter_condition("string", "name", "ends with", "b\\"), {}),
    (filter_condition("string", "name", "does not contain", "SEARCH"), {OTHER: [1]}),
    (filter_condition("string", "name", "=", "A_B"), {}),
    (filter_condition("string", "name", "is not empty", ""), {SEARCH: [1, 2], OTHER: [1]}),
    (filter_condition("stringOptions", "type", "any of", ["chat"]), {OTHER: [1]}),
    (filter_condition("stringOptions", "name", "none of", [OTHER]), {SEARCH: [1, 2]}),
    (filter_condition("string", "id", "=", f"{SEARCH}:2"), {SEARCH: [2]}),
    (filter_condition("number", "version", ">=", 2), {SEARCH: [2]}),
    (
        filter_condition("datetime", "createdAt", ">", "2020-01-01"),
        {SEARCH: [1, 2], OTHER: [1]},
    ),
    (filter_condition("datetime", "updatedAt", "<", "2020-01-01"), {}),
    (filter_condition("arrayOptions", "labels", "all of", ["eu", "latest"]), {SEARCH: [2]}),
    (filter_condition("arrayOptions", "labels", "none of", ["latest"]), {SEARCH: [1]}),
    (filter_condition("arrayOptions", "tags", "all of", ["t", "u"]), {OTHER: [1]}),
    (filter_condition("arrayOptions", "tags", "any of", ["v"]), {}),
    (filter_condition("stringObject", "config", "=", "small", "model"), {SEARCH: [1]}),
    (filter_condition("stringObject", "config", "starts with", "SM", "model"), {SEARCH: [1]}),
    (filter_condition("stringObject", "config", "is set", "", "k"), {OTHER: [1]}),
    (filter_condition("stringObject", "config", "contains", "", "k"), {OTHER: [1]}),
    (
        filter_condition("stringObject", "config", "is not set", "", "model"),
        {SEARCH: [2], OTHER: [1]},
    ),
)


def test_versions_are_filtered(stored: FlaskClient) -> None:
    for condition, wanted in CONDITIONS:
        assert listed(stored, condition) == wanted, condition


def test_a_row_is_of_the_versions_that_match(stored: FlaskClient) -> None:
    condition = filter_condition("number", "version", "=", 1)
    rows = get(stored, "v2/prompts", filter=json.dumps([condition]))["data"]
    [row] = [row for row in rows if row["name"] == SEARCH]
    assert (row["labels"], row["lastConfig"]) == ([], {"model": "small"})
    [row] = get(stored, "v2/prompts", name=SEARCH)["data"]
    assert (row["labels"], row["lastConfig"]) == (["eu", "latest", "production"], {})


def test_a_filter_replaces_every_other_condition(stored: FlaskClient) -> None:
    assert listed(stored, name="none", label="none", version=9) == {SEARCH: [1, 2], OTHER: [1]}
    condition = filter_condition("string", "name", "=", OTHER)
    assert listed(stored, condition, tag="none", toUpdatedAt="2020-01-01") == {OTHER: [1]}


def test_a_condition_that_does_not_fit_is_refused(stored: FlaskClient) -> None:
    for condition in (
        filter_condition("string", "prompt", "=", "x"),
        filter_condition("string", "config", "=", "x"),
        filter_condition("string", "version", "contains", "x"),
        filter_condition("string", "name", "is set", ""),
    ):
        assert get(stored, "v2/prompts", 400, filter=json.dumps([condition]))
