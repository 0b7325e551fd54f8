"""Definitions of tools in each API's form, and arguments that break their schema."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.analysis.findings.tool_schemas import schema_violations, schemas_of

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
def test_each_rule_of_a_schema_is_checked(value: Any, fault: str) -> None:
    assert schema_violations(value, SCHEMA) == [fault]


def test_valid_arguments_and_unknown_rules_are_no_fault() -> None:
    assert schema_violations({"city": "a", "days": 2.0, "at": [], "either": None}, SCHEMA) == []
    assert (
        schema_violations({"a": 1}, {"type": "object", "additionalProperties": {"type": "integer"}})
        == []
    )
    assert schema_violations(1, {"$ref": "https://elsewhere.example/schema"}) == []
    assert (
        schema_violations(1, {"type": "unheard-of", "enum": 3, "required": "x", "anyOf": []}) == []
    )


def test_a_recursive_schema_is_checked_without_recursing_forever() -> None:
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
