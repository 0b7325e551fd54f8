"""Validates the arguments of a tool call against the JSON Schema offered to the model.

Supports the keywords that tools use: type, enum, const, required, properties,
additionalProperties, items, anyOf, oneOf, allOf, and references within the schema. Other keywords
are ignored. Schema and arguments are untrusted input: regular expressions, which may never end,
are not run, nothing is fetched, and the number of steps is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from tracer.messages.parts import decoded
from tracer.records import Json

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_MAX_DEPTH: Final = 30
_MAX_VIOLATIONS: Final = 3
_MAX_ITEMS: Final = 1_000
_MAX_CHOICES: Final = 20
# Recursive choices double the work with every level, so the depth limit is not enough.
_MAX_STEPS: Final = 20_000


class _Validation:
    """The state of one validation: the root schema for references, and the remaining steps."""

    def __init__(self, root_schema: Json) -> None:
        self.root_schema = root_schema
        self.steps_left = _MAX_STEPS


def schemas_of(tools: list[Json]) -> dict[str, Json]:
    """Return the schema of each tool's arguments by tool name, in the form of any provider."""
    schemas: dict[str, Json] = {}
    for tool in map(decoded, tools):
        if not isinstance(tool, dict):
            continue
        function = tool.get("function")
        definition = function if isinstance(function, dict) else tool
        declarations = tool.get("functionDeclarations") or tool.get("function_declarations")
        for declaration in declarations if isinstance(declarations, list) else [definition]:
            if isinstance(declaration, dict) and isinstance(name := declaration.get("name"), str):
                for key in ("parameters", "input_schema", "inputSchema", "parametersJsonSchema"):
                    schema = decoded(declaration.get(key))
                    if isinstance(schema, dict):
                        schemas[name] = schema
                        break
    return schemas


def schema_violations(value: Json, schema: Json) -> list[str]:
    """Return the first violations of ``schema`` by ``value``, as text; empty: it is valid."""
    return list(
        islice(
            _violations(value, schema, _Validation(schema), "arguments", _MAX_DEPTH),
            _MAX_VIOLATIONS,
        )
    )


def _violations(
    value: Json, schema: Json, validation: _Validation, path: str, depth: int
) -> Iterator[str]:
    schema = _resolved(schema, validation.root_schema)
    if schema is False:
        yield f"{path}: not allowed"
    validation.steps_left -= 1
    if not isinstance(schema, dict) or not depth or validation.steps_left < 0:
        return
    declared = schema.get("type")
    types = declared if isinstance(declared, list) else [declared]
    # Gemini writes types in capitals.
    names = [name.lower() for name in types if isinstance(name, str)]
    if names and all(name in _TYPES for name in names) and not _has_type(value, names):
        yield f"{path}: expected {' or '.join(names)}, got {_type_of(value)}"
        return
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(allowed, list) and value not in allowed:
        yield f"{path}: expected one of {', '.join(map(str, allowed[:8]))[:200]}"
    if isinstance(value, dict):
        yield from _object_violations(value, schema, validation, path, depth)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value[:_MAX_ITEMS]):
            yield from _violations(item, schema["items"], validation, f"{path}[{index}]", depth - 1)
    yield from _choice_violations(value, schema, validation, path, depth)


def _object_violations(
    value: dict[str, Json], schema: dict[str, Json], validation: _Validation, path: str, depth: int
) -> Iterator[str]:
    required, properties = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else []:
        if isinstance(name, str) and name not in value:
            yield f"{path}.{name}: required, and missing"
    properties = properties if isinstance(properties, dict) else {}
    for name, item in islice(value.items(), _MAX_ITEMS):
        # `additionalProperties` applies to names that `properties` does not list.
        inner = properties[name] if name in properties else schema.get("additionalProperties")
        if name not in properties and inner is False and "patternProperties" not in schema:
            yield f"{path}.{name}: not a property of this tool"
        elif inner is not None and (name in properties or "patternProperties" not in schema):
            yield from _violations(item, inner, validation, f"{path}.{name}", depth - 1)


def _choice_violations(
    value: Json, schema: dict[str, Json], validation: _Validation, path: str, depth: int
) -> Iterator[str]:
    for name in ("anyOf", "oneOf"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            violations = [
                next(_violations(value, choice, validation, path, depth - 1), "")
                for choice in choices[:_MAX_CHOICES]
            ]
            if all(violations):
                yield (
                    violations[0]
                    if len(violations) == 1
                    else f"{path}: fits none of {len(violations)} forms"
                )
    all_of = schema.get("allOf")
    for subschema in all_of[:_MAX_CHOICES] if isinstance(all_of, list) else []:
        yield from _violations(value, subschema, validation, path, depth - 1)


def _resolved(schema: Json, root_schema: Json) -> Json:
    """Return the schema behind references; None, which allows anything, for an external one."""
    for _ in range(_MAX_DEPTH):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return schema
        schema = root_schema
        for part in filter(None, reference.removeprefix("#").split("/")):
            schema = schema.get(part) if isinstance(schema, dict) else None
    return None


def _has_type(value: Json, names: list[str]) -> bool:
    # In Python a bool is an int and 2.0 is not; in JSON Schema it is the other way round.
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and value.is_integer() and "integer" in names:
        return True
    return any(isinstance(value, _TYPES[name]) for name in names)


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next(name for name, types in _TYPES.items() if isinstance(value, types))
