"""What the model calls of a trace were sent again, added up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.context.calls import Call
from tracer.analysis.context.compare import compare
from tracer.analysis.context.totals import context_totals

START = datetime(2026, 1, 2, 3, tzinfo=UTC)


def message(number: int) -> dict[str, str]:
    return {"role": "user", "content": f"message {number:04} " * 20}


def call(number: int, messages: int, **fields: Any) -> Call:
    return Call(
        span_id=f"c{number}",
        name=f"call {number}",
        start_time=START + timedelta(seconds=number),
        tools=[],
        **{
            "input": [message(n) for n in range(messages)],
            "input_tokens": messages * 100,
            **fields,
        },
    )


def test_a_history_of_equal_messages_adds_up_exactly() -> None:
    totals = context_totals(call(n, n, model="m") for n in range(1, 11))
    assert totals.input_tokens == 5_500
    # Each call but the first was sent all messages of the call before.
    assert totals.sent_before == 4_500
    assert round(totals.share) == 82
    assert [step.new_tokens for step in totals.steps] == [100] * 10
    assert not any(step.compacted for step in totals.steps)
    assert totals.cache_read is None


def test_a_conversation_that_is_shortened_is_marked_and_the_largest_steps_are_named() -> None:
    # The system prompt stays, and a summary takes the place of what followed.
    short = [message(0), *(message(n) for n in range(100, 106))]
    calls = [call(n, size) for n, size in enumerate([4, 8, 20])]
    calls += [call(n, size, input=short[:size]) for n, size in ((3, 6), (4, 7))]
    totals = context_totals(calls)
    assert [step.compacted for step in totals.steps] == [False, False, False, True, False]
    assert [step.span_id for step in totals.growers] == ["c2", "c3", "c0", "c1", "c4"]


def test_calls_of_other_models_and_without_tokens_are_not_compared() -> None:
    totals = context_totals(
        [call(0, 3, model="a"), call(1, 3, model="b"), call(2, 3, model="a", input_tokens=None)]
    )
    assert totals.sent_before == 0
    assert len(totals.steps) == 2


def test_cached_tokens_and_what_caching_would_have_saved() -> None:
    prices = {"input_price": Decimal("0.000003"), "cache_read_price": Decimal("0.0000003")}
    totals = context_totals(
        [
            call(0, 5, cache_read=0, **prices),
            call(1, 10, cache_read=200, **prices),
        ]
    )
    assert totals.cache_read == 200
    assert totals.avoidable_cost == 300 * Decimal("0.0000027")


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_the_sums_are_those_of_the_single_comparisons(sizes: list[int]) -> None:
    calls = [call(number, size) for number, size in enumerate(sizes)]
    totals = context_totals(calls)
    again = 0
    for number, each in enumerate(calls):
        context = compare(each, calls[max(0, number - 8) : number])
        again += context.sent_before or 0 if context else 0
    assert totals.sent_before == again
    assert totals.input_tokens == 100 * sum(sizes)
