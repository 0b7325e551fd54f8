"""Datasets: items keep their earlier versions, runs link items to traces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracer.errors import Conflict
from tracer.store.library.dataset_runs import (
    add_run_item,
    delete_run,
    get_run,
    list_run_items,
    list_runs,
    save_run,
)
from tracer.store.library.datasets import (
    delete_item,
    get_dataset,
    get_item,
    list_datasets,
    list_items,
    list_states,
    save_dataset,
    save_item,
)


def test_a_dataset_is_found_by_its_name_and_changed_by_saving_it_again(project: str) -> None:
    made = save_dataset(project, "faq", {"description": "d", "metadata": {"a": 1}})
    again = save_dataset(project, "faq", {"description": "e"})
    assert (again.dataset_id, again.description, again.metadata) == (made.dataset_id, "e", {"a": 1})
    assert get_dataset(project, "faq") == again
    assert list_datasets(project, 10) == ([again], 1)
    assert get_dataset("other", "faq") is None


def test_an_item_keeps_the_fields_that_a_later_save_omits(project: str) -> None:
    faq = save_dataset(project, "faq", {}).dataset_id
    save_item(project, faq, "i", {"input": {"q": 1}, "expected_output": "a"})
    now = save_item(project, faq, "i", {"archived": True})
    assert (now.input, now.expected_output, now.archived) == ({"q": 1}, "a", True)
    assert [state.archived for state in list_states(project, "i")] == [True, False]


def test_an_item_that_is_saved_unchanged_gets_no_new_version(project: str) -> None:
    faq = save_dataset(project, "faq", {}).dataset_id
    made = save_item(project, faq, "i", {"input": {"q": 1}})
    assert save_item(project, faq, "i", {"input": {"q": 1}}) == made
    assert len(list_states(project, "i")) == 1


def test_an_item_belongs_to_one_dataset(project: str) -> None:
    faq, other = (save_dataset(project, name, {}).dataset_id for name in ("faq", "other"))
    save_item(project, faq, "i", {})
    with pytest.raises(Conflict, match="'i' belongs to another dataset"):
        save_item(project, other, "i", {})


CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_a_dataset_is_read_as_of_any_time(project: str, changes: Any) -> None:
    dataset = save_dataset(project, "faq", {})
    for item_id in "abc":
        delete_item(project, item_id)
    expected: dict[str, int] = {}
    seen = []
    for item_id, value in changes:
        if value is None:
            delete_item(project, item_id)
            expected.pop(item_id, None)
        else:
            item = save_item(project, dataset.dataset_id, item_id, {"input": value})
            if expected.get(item_id) != value:
                expected[item_id] = value
                seen.append((item.valid_from, dict(expected)))
    for time, then in seen:
        items, total = list_items(project, dataset.dataset_id, as_of=time, limit=100)
        assert ({item.item_id: item.input for item in items}, total) == (then, len(then))
    items, _ = list_items(project, dataset.dataset_id, limit=100)
    assert {item.item_id: item.input for item in items} == expected


def test_a_deleted_item_is_missing_now_and_present_before(project: str) -> None:
    dataset = save_dataset(project, "faq", {})
    item = save_item(project, dataset.dataset_id, None, {"input": 1})
    assert delete_item(project, item.item_id)
    assert not delete_item(project, item.item_id)
    assert get_item(project, item.item_id) is None
    assert list_items(project, dataset.dataset_id, limit=9)[1] == 0
    before = item.valid_from - timedelta(microseconds=1)
    assert list_items(project, dataset.dataset_id, as_of=item.valid_from, limit=9)[1] == 1
    assert list_items(project, dataset.dataset_id, as_of=before, limit=9)[1] == 0


def test_a_run_links_items_to_traces_once_each(project: str) -> None:
    dataset = save_dataset(project, "faq", {})
    run = save_run(project, dataset.dataset_id, "v1", "first", {"a": 1})
    for _ in range(2):
        add_run_item(project, run.run_id, "i", "t1", "s1")
    add_run_item(project, run.run_id, "j", "t2", None)
    items, total = list_run_items(project, run.run_id)
    assert total == 2
    assert [(item.item_id, item.linked_trace_id, item.linked_span_id) for item in items] == [
        ("i", "t1", "s1"),
        ("j", "t2", None),
    ]
    same = save_run(project, dataset.dataset_id, "v1", None, None)
    assert (same.run_id, same.description, same.metadata) == (run.run_id, "first", {"a": 1})
    assert list_runs(project, dataset.dataset_id, 10)[1] == 1
    assert delete_run(project, dataset.dataset_id, "v1")
    assert get_run(project, dataset.dataset_id, "v1") is None
    assert list_run_items(project, run.run_id) == ([], 0)
    assert not delete_run(project, dataset.dataset_id, "v1")
