"""Parts of objects merge to what telling them in order gives, in whatever order they arrive."""

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


def _told_in_order(said: list[dict[str, Json]]) -> dict[str, Json]:
    held: dict[str, Json] = {}
    for value in said:
        _merge(held, value)
    return held


def _merge(held: dict[str, Json], new: dict[str, Json]) -> None:
    for key, value in new.items():
        if isinstance(value, dict):
            if not isinstance(held.get(key), dict):
                held[key] = {}
            _merge(held[key], value)
        else:
            held[key] = value


@settings(max_examples=100)
@given(said=st.lists(objects, max_size=6), data=st.data())
def test_any_order_of_merges_gives_what_the_true_order_gives(
    said: list[dict[str, Json]], data: st.DataObject
) -> None:
    wanted = _told_in_order(copy.deepcopy(said))
    held: dict[str, Json] = {}
    ranks: dict[str, list[int]] = {}
    for version, value in data.draw(st.permutations(list(enumerate(said)))):
        for name, part in deep.parts(value, deep=True):
            deep.put(held, ranks, name, part, [0, version])
    assert held == wanted


@settings(max_examples=100)
@given(base=objects, said=st.lists(objects, max_size=6), data=st.data())
def test_what_is_laid_over_an_object_merges_into_it_in_its_order(
    base: dict[str, Json], said: list[dict[str, Json]], data: st.DataObject
) -> None:
    before = copy.deepcopy(base)
    parts: dict[str, tuple[int, Json]] = {}
    for version, value in data.draw(st.permutations(list(enumerate(said)))):
        for name, part in deep.parts(value, deep=True):
            if name not in parts or parts[name][0] < version:
                parts[name] = (version, part)
    laid = [(version, name, part) for name, (version, part) in parts.items()]
    assert deep.lay_over(base, laid) == _told_in_order(copy.deepcopy([base, *said]))
    assert base == before
