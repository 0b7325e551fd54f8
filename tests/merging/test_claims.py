"""Of all that was sent for a trace's field one value counts, whatever the order of arrival."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.merging import claims as module
from tracer.merging.claims import Claims
from tracer.merging.traces import Trace
from tracer.records import RANK_CREATE, RANK_IMPLIED, RANK_UPDATE, TraceRecord

FIELDS = ("environment", "input")
ROOT = "p"


@st.composite
def records(draw: st.DrawFn) -> TraceRecord:
    """Return what a span or an API call sends of a trace."""
    return TraceRecord(
        trace_id="t",
        rank=draw(st.integers(RANK_IMPLIED, RANK_UPDATE)),
        version=draw(st.integers(1, 3)),
        process=draw(st.sampled_from([ROOT, "q", "r"])),
        by_root=draw(st.booleans()),
        first=draw(st.integers(1, 3)),
        fields={draw(st.sampled_from(FIELDS)): draw(st.sampled_from(["a", "b", "c"]))},
    )


def counting(sent: list[TraceRecord], field: str) -> Any:
    """Return the value that counts by the rule, judged with all records at hand."""
    first: dict[str, int] = {}
    for record in sent:
        if record.rank < RANK_CREATE:
            known = first.get(record.process, 9)
            first[record.process] = min(known, record.first or record.version)

    def precedence(record: TraceRecord) -> tuple[Any, ...]:
        value = msgspec.json.encode(record.fields[field])
        if record.rank >= RANK_CREATE:
            return (2, False, 0, "", record.rank, False, record.version, value)
        return (
            int(record.rank > RANK_IMPLIED),
            record.process == ROOT,
            -first[record.process],
            record.process,
            record.rank,
            record.by_root,
            record.version,
            value,
        )

    return max((record for record in sent if field in record.fields), key=precedence).fields[field]


def stored_again(claims: Claims, shown: dict[str, Any]) -> Claims:
    """Return the claims as they are after a row was written and read."""
    text = msgspec.json.encode(claims.dump(shown, ROOT))
    processes = module.load(msgspec.json.decode(text), shown)
    return msgspec.structs.replace(claims, processes=processes)


@settings(max_examples=300)
@given(st.lists(records(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_value_of_the_highest_precedence_counts(
    sent: list[TraceRecord], dice: random.Random
) -> None:
    trace = Trace.new()
    trace.derived.root_process = ROOT
    for record in dice.sample(sent, len(sent)):
        trace.claims.add(record)
        # A row holds what shows, and the claims beside it what doesn't.
        shown = {name: trace.value(name) for name in FIELDS if name not in trace.claims.ranks}
        columns = {name: value for name, value in shown.items() if value is not None}
        trace.claims = stored_again(trace.claims, columns)
    for field in FIELDS:
        if any(field in record.fields for record in sent):
            assert trace.value(field) == counting(sent, field)
        else:
            assert trace.value(field) is None


def test_a_process_that_sent_nothing_is_not_remembered() -> None:
    claims = Claims()
    claims.add(TraceRecord(trace_id="t", rank=RANK_IMPLIED, version=1, fields={"name": None}))
    assert claims.processes == {}
