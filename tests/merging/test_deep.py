"""Parts of objects merge to the result of their true order, in whatever order they arrive."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.merging import deep
from tracer.records import Json

keys = st.sampled_from(["a", "b", "c/d", "~", ""])
leaves = st.sampled_from([None, 1, "x", [1], {}])
values = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6)
objects = st.dictionaries(keys, values, max_size=3)


def _merged_in_order(objects_in_order: list[dict[str, Json]]) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for value in objects_in_order:
        _merge(merged, value)
    return merged


def _merge(merged: dict[str, Json], new: dict[str, Json]) -> None:
    for key, value in new.items():
        if isinstance(value, dict):
            if not isinstance(merged.get(key), dict):
                merged[key] = {}
            _merge(merged[key], value)
        else:
            merged[key] = value


@settings(max_examples=100)
@given(objects_in_order=st.lists(objects, max_size=6), data=st.data())
def test_any_order_of_merges_gives_the_result_of_the_true_order(
    objects_in_order: list[dict[str, Json]], data: st.DataObject
) -> None:
    wanted = _merged_in_order(copy.deepcopy(objects_in_order))
    merged: dict[str, Json] = {}
    ranks: dict[str, list[int]] = {}
    for version, value in data.draw(st.permutations(list(enumerate(objects_in_order)))):
        for name, part in deep.parts(value, deep=True):
            deep.put(merged, ranks, [(name, part)], [0, version])
    assert merged == wanted


@settings(max_examples=100)
@given(base=objects, objects_in_order=st.lists(objects, max_size=6), data=st.data())
def test_parts_laid_over_an_object_are_merged_in_their_order(
    base: dict[str, Json], objects_in_order: list[dict[str, Json]], data: st.DataObject
) -> None:
    before = copy.deepcopy(base)
    parts: dict[str, tuple[int, Json]] = {}
    for version, value in data.draw(st.permutations(list(enumerate(objects_in_order)))):
        for name, part in deep.parts(value, deep=True):
            if name not in parts or parts[name][0] < version:
                parts[name] = (version, part)
    laid = [(version, name, part) for name, (version, part) in parts.items()]
    assert deep.lay_over(base, laid) == _merged_in_order(copy.deepcopy([base, *objects_in_order]))
    assert base == before
