"""The findings of a trace, and similar cases that are no finding."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.analysis.findings.finding import Finding
from tracer.analysis.findings.findings import MAX_SPANS, FindingSpan, find

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def step(span_id: str, name: str = "search", start: int = 0, **fields: Any) -> FindingSpan:
    values: dict[str, Any] = dict.fromkeys(FindingSpan._fields)
    values |= {"span_id": span_id, "parent_span_id": "root", "kind": "tool", "name": name}
    values |= {"level": "default", "start": start, "end": start + 1}
    return FindingSpan(**values | fields)


def findings_of(*steps: FindingSpan) -> list[Finding]:
    return find(steps).findings


def test_the_same_call_three_times_is_a_finding_however_its_arguments_are_written() -> None:
    calls = [step("a", input={"q": 1, "n": 2}), step("b", input={"n": 2, "q": 1})]
    assert findings_of(*calls) == []
    [finding] = findings_of(*calls, step("c", input='{"q": 1, "n": 2}'), step("d", input={"q": 2}))
    assert (finding.kind, finding.spans, finding.count) == ("repeated", ["a", "b", "c"], 3)
    assert finding.title == "search called 3 times with the same arguments"
    [many] = findings_of(*(step(f"{n}", input="x") for n in range(100)))
    assert (many.count, len(many.spans)) == (100, MAX_SPANS)


def test_calls_of_other_tools_and_other_kinds_of_span_are_not_repeated_calls() -> None:
    assert findings_of(*(step(n, name=n, input=1) for n in "abc")) == []
    assert findings_of(*(step(n, kind="chain", input=1) for n in "abc")) == []
    assert findings_of(*(step(n) for n in "abc")) == []


def test_a_failure_that_is_retried_is_one_finding() -> None:
    failed = [step("a", level="error"), step("b", start=5, level="error")]
    [chain] = findings_of(*failed, step("c", start=9), step("d", start=10))
    assert (chain.kind, chain.spans) == ("retried", ["a", "b", "c"])
    assert (chain.title, chain.detail) == (
        "search failed twice and was tried again",
        "then it succeeded",
    )
    [vain] = findings_of(*failed)
    assert (vain.spans, vain.detail) == (["a", "b"], "it never succeeded")


def test_a_call_beside_a_failure_or_under_another_parent_is_no_retry() -> None:
    slow = step("a", level="error", end=100)
    assert findings_of(slow, step("b", start=5)) == []
    assert findings_of(step("a", level="error"), step("b", start=5, parent_span_id="other")) == []
    assert findings_of(step("a", level="error"), step("b", "other", start=5)) == []
    assert findings_of(step("a"), step("b", start=5, level="error")) == []


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS"])
def test_answers_cut_at_the_token_limit_are_one_finding(reason: str) -> None:
    cut = [step(n, kind="generation", finish_reasons=[reason]) for n in "ab"]
    [finding] = findings_of(*cut, step("c", kind="generation", finish_reasons=["stop"]))
    assert (finding.kind, finding.spans) == ("cut", ["a", "b"])
    assert finding.title == "2 answers cut off at the token limit"


def test_a_broken_schema_is_reported_with_the_path_of_the_argument() -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]

    def call(arguments: str) -> FindingSpan:
        made = {"id": "1", "type": "function"}
        made |= {"function": {"name": "weather", "arguments": arguments}}
        answer = [{"role": "assistant", "content": None, "tool_calls": [made]}]
        return step("a", kind="generation", output=answer, tools=tools)

    assert findings_of(call('{"city": "Ulm", "days": 2}')) == []
    [finding] = findings_of(call('{"days": "2"}'))
    assert (finding.kind, finding.spans) == ("schema", ["a"])
    assert finding.title == "The arguments of weather break its schema"
    assert finding.detail == (
        "arguments.city: required, and missing; arguments.days: expected integer, got string"
    )


def test_equal_findings_are_one_that_counts_them() -> None:
    pairs = [
        fields
        for n in range(43)
        for fields in (
            step(f"a{n}", start=n * 10, parent_span_id=f"p{n}", level="error"),
            step(f"b{n}", start=n * 10 + 5, parent_span_id=f"p{n}"),
        )
    ]
    [retried] = findings_of(*pairs)
    assert (retried.times, retried.count, len(retried.spans)) == (43, 86, MAX_SPANS)
    calls = [step(f"{q}-{n}", input={"q": q}) for q in "abcdefgh" for n in range(3)]
    [repeated] = findings_of(*calls)
    assert (repeated.times, repeated.count) == (8, 24)
    assert repeated.detail == '{"q":"a"}; {"q":"b"}; {"q":"c"}'
