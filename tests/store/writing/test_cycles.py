"""Spans that are their own ancestors, against the definition of an ancestor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.traces.merging import MergedTrace
from tests.support.traces.records import span
from tracer.store.writing.cycles import find_cycle_members, flatten_within

NAMES = st.sampled_from("abcdefgh")


def is_own_ancestor(name: str, parents: dict[str, str | None]) -> bool:
    ancestor = parents[name]
    for _ in parents:
        if ancestor == name:
            return True
        ancestor = parents.get(ancestor) if ancestor is not None else None
    return False


@given(st.dictionaries(NAMES, st.none() | NAMES))
def test_the_members_of_cycles_are_the_spans_that_are_their_own_ancestors(
    parents: dict[str, str | None],
) -> None:
    assert find_cycle_members(parents) == {
        name for name in parents if is_own_ancestor(name, parents)
    }


def test_a_chain_of_any_length_is_walked() -> None:
    chain: dict[str, str | None] = {str(n): str(n + 1) for n in range(50_000)}
    assert find_cycle_members(chain) == set()
    assert find_cycle_members({**chain, "50000": "49998"}) == {"49998", "49999", "50000"}


def test_the_spans_of_a_cycle_become_flagged_roots_and_the_others_stay() -> None:
    change = MergedTrace().add(span("a", "b"), span("b", "a"), span("below", "a"), span("root"))
    flatten_within(change)
    records = {span_id: merged.record for span_id, merged in change.after.items()}
    assert {name: record.parent_span_id for name, record in records.items()} == {
        **{"a": None, "b": None, "below": "a", "root": None},
    }
    assert [name for name, record in records.items() if "cycle" in record.flags] == ["a", "b"]
    assert (change.after["a"].sent_parent_id, change.after["b"].sent_parent_id) == ("b", "a")
