"""What is found in a trace, and what is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.analysis.findings import MOST_SPANS, Finding, FindingSpan, find
from tracer.analysis.tool_schemas import schema_violations, schemas_of

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["c", "f"]},
        "at": {"type": "array", "items": {"$ref": "#/$defs/time"}},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"time": {"type": "string"}},
}


def step(span_id: str, name: str = "search", start: int = 0, **said: Any) -> FindingSpan:
    values: dict[str, Any] = dict.fromkeys(FindingSpan._fields)
    values |= {"span_id": span_id, "parent_span_id": "root", "kind": "tool", "name": name}
    values |= {"level": "default", "start": start, "end": start + 1}
    return FindingSpan(**values | said)


def found(*steps: FindingSpan) -> list[Finding]:
    return find(steps).found


def test_the_same_call_three_times_is_told_however_it_is_written() -> None:
    calls = [step("a", input={"q": 1, "n": 2}), step("b", input={"n": 2, "q": 1})]
    assert found(*calls) == []
    [finding] = found(*calls, step("c", input='{"q": 1, "n": 2}'), step("d", input={"q": 2}))
    assert (finding.kind, finding.spans, finding.count) == ("repeated", ["a", "b", "c"], 3)
    assert finding.title == "search called 3 times with the same arguments"
    [many] = found(*(step(f"{n}", input="x") for n in range(100)))
    assert (many.count, len(many.spans)) == (100, MOST_SPANS)


def test_other_tools_and_other_spans_are_not_the_same_call() -> None:
    assert found(*(step(n, name=n, input=1) for n in "abc")) == []
    assert found(*(step(n, kind="chain", input=1) for n in "abc")) == []
    assert found(*(step(n) for n in "abc")) == []


def test_a_failure_that_is_tried_again_is_a_chain() -> None:
    failed = [step("a", level="error"), step("b", start=5, level="error")]
    [chain] = found(*failed, step("c", start=9), step("d", start=10))
    assert (chain.kind, chain.spans) == ("retried", ["a", "b", "c"])
    assert (chain.title, chain.detail) == (
        "search failed twice and was tried again",
        "then it succeeded",
    )
    [vain] = found(*failed)
    assert (vain.spans, vain.detail) == (["a", "b"], "it never succeeded")


def test_what_ran_beside_a_failure_or_elsewhere_is_no_retry() -> None:
    slow = step("a", level="error", end=100)
    assert found(slow, step("b", start=5)) == []
    assert found(step("a", level="error"), step("b", start=5, parent_span_id="other")) == []
    assert found(step("a", level="error"), step("b", "other", start=5)) == []
    assert found(step("a"), step("b", start=5, level="error")) == []


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS"])
def test_answers_cut_at_the_limit_are_one_finding(reason: str) -> None:
    cut = [step(n, kind="generation", finish_reasons=[reason]) for n in "ab"]
    [finding] = found(*cut, step("c", kind="generation", finish_reasons=["stop"]))
    assert (finding.kind, finding.spans) == ("cut", ["a", "b"])
    assert finding.title == "2 answers cut off at the token limit"


def test_arguments_that_break_their_schema_name_the_place() -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]

    def call(arguments: str) -> FindingSpan:
        made = {"id": "1", "type": "function"}
        made |= {"function": {"name": "weather", "arguments": arguments}}
        answer = [{"role": "assistant", "content": None, "tool_calls": [made]}]
        return step("a", kind="generation", output=answer, tools=tools)

    assert found(call('{"city": "Ulm", "days": 2}')) == []
    [finding] = found(call('{"days": "2"}'))
    assert (finding.kind, finding.spans) == ("schema", ["a"])
    assert finding.title == "The arguments of weather break its schema"
    assert finding.detail == (
        "arguments.city: required, and missing; arguments.days: expected integer, got string"
    )


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "parameters": SCHEMA}},
        {"type": "function", "name": "f", "parameters": SCHEMA},
        {"name": "f", "input_schema": SCHEMA},
        {"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]},
        '{"name": "f", "input_schema": {"type": "object"}}',
    ],
)
def test_definitions_are_read_as_each_api_writes_them(tool: Any) -> None:
    assert list(schemas_of([tool, 3, None, {"name": "bare"}])) == ["f"]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"city": "a", "more": 1}, "arguments.more: not a property of this tool"),
        ({"city": "a", "unit": "k"}, "arguments.unit: expected one of c, f"),
        ({"city": "a", "at": ["x", 1]}, "arguments.at[1]: expected string, got integer"),
        ({"city": "a", "days": True}, "arguments.days: expected integer, got boolean"),
        ({"city": "a", "either": 1}, "arguments.either: fits none of 2 forms"),
        ([], "arguments: expected object, got array"),
    ],
)
def test_each_rule_is_kept(value: Any, fault: str) -> None:
    assert schema_violations(value, SCHEMA) == [fault]


def test_what_keeps_to_the_rules_or_is_not_judged_is_no_fault() -> None:
    assert schema_violations({"city": "a", "days": 2.0, "at": [], "either": None}, SCHEMA) == []
    assert (
        schema_violations({"a": 1}, {"type": "object", "additionalProperties": {"type": "integer"}})
        == []
    )
    assert schema_violations(1, {"$ref": "https://elsewhere.example/schema"}) == []
    assert (
        schema_violations(1, {"type": "unheard-of", "enum": 3, "required": "x", "anyOf": []}) == []
    )


def test_a_schema_that_leads_back_to_itself_comes_to_an_end() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"next": deep}
    assert schema_violations(deep, node) == []
    assert schema_violations({"next": {"next": 1}}, node) == [
        "arguments.next.next: expected object, got integer"
    ]
    assert schema_violations(1, {"$ref": "#"}) == []
    twice = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    assert schema_violations(1, twice) == []
