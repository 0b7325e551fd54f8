"""Whether the arguments of a tool call keep to the JSON Schema that the model was given.

A part of JSON Schema that tools use: type, enum, const, required, properties,
additionalProperties, items, anyOf, oneOf, allOf, and references within the schema. What else a
schema says is not judged. Both sides are what an application sent: so patterns, which can take
for ever, are not run, nothing is fetched, and the work is bounded.
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
_MOST_DEPTH: Final = 30
_MOST_FAULTS: Final = 3
# Choices that lead back to themselves double the work with every level.
_MOST_STEPS: Final = 20_000


class _Work:
    """One judgement: the schema that references lead into, and how much may still be done."""

    def __init__(self, whole: Json) -> None:
        self.whole = whole
        self.left = _MOST_STEPS


def schemas_of(tools: list[Json]) -> dict[str, Json]:
    """Return the schema of each tool's arguments by name, however the API writes definitions."""
    found: dict[str, Json] = {}
    for tool in map(decoded, tools):
        if not isinstance(tool, dict):
            continue
        inner = tool.get("function")
        said = inner if isinstance(inner, dict) else tool
        listed = tool.get("functionDeclarations") or tool.get("function_declarations")
        for one in listed if isinstance(listed, list) else [said]:
            if isinstance(one, dict) and isinstance(name := one.get("name"), str):
                for key in ("parameters", "input_schema", "inputSchema", "parametersJsonSchema"):
                    schema = decoded(one.get(key))
                    if isinstance(schema, dict):
                        found[name] = schema
                        break
    return found


def faults(value: Json, schema: Json) -> list[str]:
    """Return in words where ``value`` breaks ``schema``, the first few; empty: it keeps to it."""
    return list(
        islice(_faults(value, schema, _Work(schema), "arguments", _MOST_DEPTH), _MOST_FAULTS)
    )


def _faults(value: Json, schema: Json, work: _Work, at: str, depth: int) -> Iterator[str]:
    schema = _followed(schema, work.whole)
    if schema is False:
        yield f"{at}: not allowed"
    work.left -= 1
    if not isinstance(schema, dict) or not depth or work.left < 0:
        return
    wanted = schema.get("type")
    types = wanted if isinstance(wanted, list) else [wanted]
    # Gemini writes types in capitals.
    names = [name.lower() for name in types if isinstance(name, str)]
    if names and all(name in _TYPES for name in names) and not _is_one(value, names):
        yield f"{at}: expected {' or '.join(names)}, got {_type_of(value)}"
        return
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(allowed, list) and value not in allowed:
        yield f"{at}: expected one of {', '.join(map(str, allowed[:8]))[:200]}"
    if isinstance(value, dict):
        yield from _in_object(value, schema, work, at, depth)
    elif isinstance(value, list) and "items" in schema:
        for place, item in enumerate(value[:1000]):
            yield from _faults(item, schema["items"], work, f"{at}[{place}]", depth - 1)
    yield from _in_choices(value, schema, work, at, depth)


def _in_object(
    value: dict[str, Json], schema: dict[str, Json], work: _Work, at: str, depth: int
) -> Iterator[str]:
    required, known = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else []:
        if isinstance(name, str) and name not in value:
            yield f"{at}.{name}: required, and missing"
    known = known if isinstance(known, dict) else {}
    for name, item in islice(value.items(), 1000):
        # What is said of no name in particular holds for the rest.
        inner = known[name] if name in known else schema.get("additionalProperties")
        if name not in known and inner is False and "patternProperties" not in schema:
            yield f"{at}.{name}: not a property of this tool"
        elif inner is not None and (name in known or "patternProperties" not in schema):
            yield from _faults(item, inner, work, f"{at}.{name}", depth - 1)


def _in_choices(
    value: Json, schema: dict[str, Json], work: _Work, at: str, depth: int
) -> Iterator[str]:
    for name in ("anyOf", "oneOf"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            broken = [next(_faults(value, c, work, at, depth - 1), "") for c in choices[:20]]
            if all(broken):
                yield broken[0] if len(broken) == 1 else f"{at}: fits none of {len(broken)} forms"
    every = schema.get("allOf")
    for choice in every[:20] if isinstance(every, list) else []:
        yield from _faults(value, choice, work, at, depth - 1)


def _followed(schema: Json, whole: Json) -> Json:
    """Return what a reference means; one that leads out of the schema allows anything."""
    for _ in range(_MOST_DEPTH):
        told = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(told, str):
            return schema
        schema = whole
        for part in filter(None, told.removeprefix("#").split("/")):
            schema = schema.get(part) if isinstance(schema, dict) else None
    return None


def _is_one(value: Json, names: list[str]) -> bool:
    # In Python a truth value is a number, and 2.0 no integer: JSON Schema says otherwise.
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and value.is_integer() and "integer" in names:
        return True
    return any(isinstance(value, _TYPES[name]) for name in names)


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    return next(name for name, types in _TYPES.items() if isinstance(value, types))
