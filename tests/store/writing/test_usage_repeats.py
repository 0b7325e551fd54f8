"""Whose usage counts does not depend on the order of arrival, and is what a reader finds."""

from __future__ import annotations

import copy
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.recount import disagreements
from tests.support.store.rows import clear_tables, put, stored_state, table_rows
from tests.support.traces.records import T0, span
from tracer.merging import repeats
from tracer.records import SpanPatch

BIG, SMALL = {"input": 1000, "output": 50}, {"input": 40, "output": 10}
CACHED = {"input": 30, "cache_read": 10, "output": 10}
"""The same numbers as SMALL, with a detail."""
SUM = {"input": 1040, "output": 60}
DOLLAR = {"cost": {"total": Decimal(1)}, "cost_source": "given"}
USES: list[dict[str, Any]] = [
    {},
    {"usage": BIG},
    {"usage": SMALL},
    {"usage": CACHED},
    {"usage": {**SMALL, "cache_read": 7}},
    {"usage": SUM},
    {"usage": {"total": 1100}},
    {"usage": {"input": 0}},
    {"usage": SMALL, **DOLLAR},
    DOLLAR,
    {"cost": {"total": Decimal(2)}, "cost_source": "given"},
]
IDS = "abcdefgh"


@st.composite
def trees(draw: st.DrawFn) -> list[Any]:
    """Records of up to eight spans in a tree, some of them sent twice, and updates of some."""
    items = []
    for index, span_id in enumerate(IDS[: draw(st.integers(2, len(IDS)))]):
        parent = draw(st.sampled_from([None, "missing", *IDS[:index]]) if index else st.none())
        kind = draw(st.sampled_from(["generation", "agent", "chain", "span", "tool"]))
        for end in draw(st.sampled_from([[1_000], [1_000], [None, 1_000]])):
            fields = {
                "kind": kind,
                "echo": kind in ("agent", "chain") and draw(st.booleans()),
                "call_id": draw(st.sampled_from([None, None, "one", "two"])),
                "start_time": T0 + index,
                "end_time": None if end is None else T0 + index + end,
            }
            items.append(span(span_id, parent, **fields, **draw(st.sampled_from(USES))))
    changes: list[dict[str, Any]] = [{"usage": {}}, {"usage": SUM}, {"kind": "agent"}]
    moves = [{"parent_span_id": parent} for parent in ("a", "missing", None)]
    for index in draw(st.lists(st.integers(1, 7), max_size=2, unique=True)):
        fields = draw(st.sampled_from(changes + moves))
        items.append(SpanPatch(trace_id="t", span_id=IDS[index], version=T0 + index, fields=fields))
    return items


def below(children: dict[Any, list[Any]], span_id: str) -> list[Any]:
    spans = list(children[span_id])
    for child in children[span_id]:
        spans += below(children, child["span_id"])
    return spans


def has_usage(row: Any) -> bool:
    return row["total_tokens"] is not None or row["total_cost"] is not None


def same(span_row: Any, others: list[Any]) -> bool:
    """Return whether a span has the sum of others: tokens by side, in total, or a cost."""
    sums = {
        name: sum(Decimal(row[name] or 0) for row in others)
        for name in ("input_tokens", "output_tokens", "total_tokens", "total_cost")
    }
    counted = any(row["total_tokens"] is not None for row in others)
    if span_row["total_tokens"] is not None and counted:
        sides = [Decimal(span_row[name] or 0) for name in ("input_tokens", "output_tokens")]
        if any(sides):
            return sides == [sums["input_tokens"], sums["output_tokens"]]
        return bool(span_row["total_tokens"] == sums["total_tokens"])
    if span_row["total_tokens"] is not None or counted:
        return False
    return bool(Decimal(str(span_row["total_cost"])) == sums["total_cost"])


def details(row: Any) -> int:
    return sum(1 for name in row["usage"] or {} if name not in ("input", "output", "total"))


def is_fuller(row: Any, under: Any) -> bool:
    """Return whether a span tells the numbers of one below it, of the same answer, in detail."""
    if (row["echo"] and row["kind"] in ("agent", "chain")) or details(row) <= details(under):
        return False
    if under["total_cost"] and not row["total_cost"]:
        return False
    within = (under["usage"] or {}).items() <= (row["usage"] or {}).items()
    return within or same(row, [under])


def expected(spans: list[Any], max_compared: int) -> set[str]:
    """Return the ids of the covered spans, worked out the plain way from the tree as it is."""
    children: dict[Any, list[Any]] = defaultdict(list)
    calls: dict[str, list[Any]] = defaultdict(list)
    for row in spans:
        children[row["parent_span_id"]].append(row)
        if row["call_id"] and has_usage(row):
            calls[row["call_id"]].append(row)
    covered: set[str] = set()
    fuller: dict[str, str] = {}
    for members in calls.values():
        ids = {row["span_id"] for row in members}
        lowest = [
            r for r in members if not ids & {x["span_id"] for x in below(children, r["span_id"])}
        ]
        best = max(
            lowest,
            key=lambda r: (
                not r["echo"],
                r["total_tokens"] or 0,
                bool(r["total_cost"]),
                details(r),
                -Decimal(str(r["total_cost"] or 0)),
                r["span_id"],
            ),
        )
        covered |= ids - {best["span_id"]}
        above = [r for r in members if best in below(children, r["span_id"])]
        if in_detail := [r for r in above if is_fuller(r, best)]:
            chosen = max(in_detail, key=lambda r: (details(r), r["span_id"]))
            fuller[chosen["span_id"]] = best["span_id"]
    depth = {row["span_id"]: len(below(children, row["span_id"])) for row in spans}
    for row in sorted(spans, key=lambda row: depth[row["span_id"]]):
        replaced = fuller.get(row["span_id"])
        if replaced is not None and replaced not in covered:
            covered ^= {replaced, row["span_id"]}
            continue
        under = [span_row for span_row in below(children, row["span_id"]) if has_usage(span_row)]
        counting = [span_row for span_row in under if span_row["span_id"] not in covered]
        calls_below = [
            span_row
            for span_row in under
            if span_row["parent_span_id"] == row["span_id"]
            and span_row["kind"] not in ("agent", "chain")
        ]
        if not under:
            continue
        sums = row["echo"] and row["kind"] in ("agent", "chain")
        compared = depth[row["span_id"]] <= max_compared
        if (
            not has_usage(row)
            or sums
            or (compared and same(row, counting))
            or (compared and any(same(row, [span_row]) for span_row in calls_below))
        ):
            covered.add(row["span_id"])
    return covered


def stored(connection: psycopg.Connection[Any], items: list[Any], size: int) -> Any:
    clear_tables(connection)
    waiting = copy.deepcopy(items)
    while waiting:
        put(connection, *waiting[:size])
        waiting = waiting[size:]
    assert disagreements(connection) == []
    return stored_state(connection)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    items=trees(),
    dice=st.randoms(use_true_random=False),
    max_compared=st.sampled_from([repeats.MAX_COMPARED_SPANS, 2]),
)
def test_any_order_and_any_batches_give_the_same_sums(
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    items: list[Any],
    dice: random.Random,
    max_compared: int,
) -> None:
    monkeypatch.setattr(repeats, "MAX_COMPARED_SPANS", max_compared)
    whole = stored(connection, items, len(items))
    usage = {row["span_id"]: row["usage"] for row in table_rows(connection, "span_payloads")}
    spans = [row | {"usage": usage.get(row["span_id"])} for row in table_rows(connection, "spans")]
    assert {row["span_id"] for row in spans if row["covered"]} == expected(spans, max_compared)
    for size in (1, 2, 3):
        shuffled = dice.sample(items, len(items))
        assert stored(connection, shuffled, size) == whole
    assert stored(connection, [*shuffled, *items], 1) == whole
