"""Bounds the work of validating a value by a JSON schema, which can double with each reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tracer.records import Json

MAX_WORK: Final = 20_000_000
"""Evaluations of a subschema on a value; the library does about 50 million in a second."""

MAX_VALUES: Final = 20_000
"""Values in a schema."""

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SAME_VALUE: Final = ("not", "if", "then", "else")
_BY_KEY: Final = ("dependentSchemas", "dependencies")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_NOT_EVALUATED: Final = frozenset({"$defs", "definitions", "const", "enum", "default", "examples"})


def _extent(value: Json) -> tuple[int, int]:
    """Return (the number of values in a value, itself included; the depth of its nesting)."""
    size = depth = 0
    level = [value]
    while level:
        size += len(level)
        depth += 1
        level = [child for node in level for child in _children(node)]
    return size, depth


def _children(node: Json) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


class SchemaWork:
    """Estimates the work of validating values by one schema."""

    def __init__(self, schema: Json) -> None:
        """Raise ValueError for a schema of too many values."""
        if _extent(schema)[0] > MAX_VALUES:
            raise ValueError(f"it has more than {MAX_VALUES:,} values")
        self._root = schema
        self._known: dict[tuple[int, int], int] = {}

    def bound(self, value: Json) -> int:
        """Return an upper bound of the evaluations for ``value``, or a number above MAX_WORK.

        Raises ValueError for a reference to no subschema, or to itself for the same value.
        """
        size, depth = _extent(value)
        try:
            return self._work_of(self._root, depth, ()) * size
        except RecursionError:
            raise ValueError("its references lead too deep") from None

    def _work_of(self, part: Json, depth: int, path: tuple[int, ...]) -> int:
        """Return the evaluations by a subschema on one path into a value of ``depth`` levels.

        ``path`` has the ids of the subschemas that led here for the same value.
        """
        if not isinstance(part, dict) or not depth:
            return 1
        key = (id(part), depth)
        if key not in self._known:
            if id(part) in path:
                raise ValueError("a reference leads back to itself")
            here = (*path, id(part))
            work = 1 + sum(self._work_of(each, depth, here) for each in self._same_value(part))
            work += sum(self._work_of(each, depth - 1, ()) for each in _inner(part))
            if isinstance(properties := part.get("properties"), dict):
                # A value belongs to one property, so the most expensive one is the bound.
                inner = (self._work_of(each, depth - 1, ()) for each in properties.values())
                work += max(inner, default=0)
            self._known[key] = min(work, MAX_WORK + 1)
        return self._known[key]

    def _same_value(self, part: dict[str, Any]) -> Iterator[Json]:
        for name in _LISTS:
            if isinstance(part.get(name), list):
                yield from part[name]
        for name in _SAME_VALUE:
            yield part.get(name)
        for name in _BY_KEY:
            if isinstance(part.get(name), dict):
                yield from part[name].values()
        for name in _REFERENCES:
            if isinstance(part.get(name), str):
                yield self._target(part[name])

    def _target(self, reference: str) -> Json:
        if reference != "#" and not reference.startswith("#/"):
            raise ValueError(f"the reference {reference!r} does not begin with #/")
        node = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isascii() and name.isdigit():
                node = node[int(name)] if int(name) < len(node) else None
            else:
                node = node.get(name) if isinstance(node, dict) else None
        if node is None:
            raise ValueError(f"the reference {reference!r} leads nowhere")
        return node


def _inner(part: dict[str, Any]) -> Iterator[Json]:
    """Yield the subschemas for the children of a value under any keyword but ``properties``."""
    same = {*_LISTS, *_SAME_VALUE, *_BY_KEY, *_REFERENCES, "properties"}
    for name, child in part.items():
        if name in same or name in _NOT_EVALUATED:
            continue
        if name == "patternProperties" and isinstance(child, dict):
            yield from child.values()
        elif isinstance(child, list):
            yield from child
        else:
            yield child
