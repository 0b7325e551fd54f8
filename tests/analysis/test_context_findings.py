"""Findings about what model calls are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tracer.analysis.context.calls import Call
from tracer.analysis.context.totals import compare_all
from tracer.analysis.findings.context_findings import (
    FullCall,
    broken_caches,
    full_windows,
    repeated_results,
)

START = datetime(2026, 1, 2, 3, tzinfo=UTC)


def call(number: int, messages: list[dict[str, Any]], **fields: Any) -> Call:
    return Call(
        span_id=f"c{number}",
        name="chat",
        model="m",
        start_time=START + timedelta(seconds=number),
        input=messages,
        tools=[],
        input_tokens=10_000,
        **fields,
    )


def history(turns: int, day: str = "Monday") -> list[dict[str, Any]]:
    start = [{"role": "system", "content": f"Today is {day}. " + "Be brief. " * 300}]
    return start + [{"role": "user", "content": f"question {n} " * 100} for n in range(turns)]


def test_a_prefix_that_changes_in_every_call_is_one_finding() -> None:
    calls = [call(n, history(n + 3, f"day {n}"), cache_read=0) for n in range(5)]
    (finding,) = broken_caches(compare_all(calls))
    assert finding.kind == "cache"
    assert finding.title.startswith("Message 1 (system) changes from call to call")
    assert finding.spans == ["c1", "c2", "c3", "c4"]


def test_a_changing_prefix_is_found_without_a_report_of_cached_tokens() -> None:
    calls = [call(n, history(n + 3, f"day {n}")) for n in range(5)]
    assert [finding.count for finding in broken_caches(compare_all(calls))] == [4]


def test_an_unchanged_prefix_is_no_finding() -> None:
    cached = [call(n, history(n + 3), cache_read=9_000) for n in range(5)]
    # Nothing changed: another reason than the prefix.
    expired = [call(n, history(n + 3), cache_read=0) for n in range(5)]
    for calls in (cached, expired):
        assert not list(broken_caches(compare_all(calls)))


def test_tools_in_another_order_are_named() -> None:
    tools = [{"name": "a", "description": "x" * 400}, {"name": "b"}]
    calls = [call(0, history(4), cache_read=0), call(1, history(5), cache_read=0)]
    calls[0].tools, calls[1].tools = tools, tools[::-1]
    (finding,) = broken_caches(compare_all(calls))
    assert finding.title.startswith("The tools change their order")


def test_a_large_result_that_many_calls_are_sent_is_found() -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": "line of the file " * 2_000}
    request = {
        "role": "assistant",
        "tool_calls": [{"id": "1", "function": {"name": "read_file", "arguments": "{}"}}],
    }
    base = [{"role": "user", "content": "Mend it."}, request, result]
    calls = [call(n, [*base, *history(n)[1:]]) for n in range(12)]
    (finding,) = repeated_results(compare_all(calls))
    assert finding.title.startswith("A result of read_file with about ")
    assert finding.count == 12
    assert not list(repeated_results(compare_all(calls[:10])))


def test_full_windows_are_one_finding_for_each_model() -> None:
    findings = list(full_windows([FullCall("a", "m", 0.81), FullCall("b", "m", 0.95)]))
    assert [(finding.spans, finding.count) for finding in findings] == [(["a", "b"], 2)]
    assert findings[0].title == "2 calls fill more than 80 % of the context window of m"
    assert "95 %" in findings[0].detail
