"""Rebuilds lists and objects that a dialect flattened into dotted names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from tracer.records import Json

MAX_SEGMENTS: Final = 16
WRAPPERS: Final = frozenset(("message", "message_content", "tool_call", "document", "tool"))
"""Names that only repeat the type of a list's item."""


Template = int | tuple["Template", ...] | dict[str, "Template"]
"""A value's shape: a list as a tuple, and for each leaf the number of its part."""


def rebuild(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the value whose leaves are ``parts``; False where names contradict each other.

    ``{"0.message.role": "user"}`` gives ``[{"role": "user"}]``: numbers are positions in
    a list. Only their order matters, so that no index can make a list long.
    """
    template, complete = _template(tuple(parts))
    return _fill(template, list(parts.values())), complete


def _fill(template: Template, leaves: list[Json]) -> Json:
    if isinstance(template, dict):
        return {
            name: leaves[item] if type(item) is int else _fill(item, leaves)
            for name, item in template.items()
        }
    if isinstance(template, tuple):
        return [_fill(item, leaves) for item in template]
    return leaves[template]


@lru_cache(maxsize=1_000)
def _template(names: tuple[str, ...]) -> tuple[Template, bool]:
    """Return the shape described by ``names``; cached, because programs send few shapes."""
    root: dict[str | int, Any] = {}
    complete = True
    for leaf, name in enumerate(names):
        path = _path(name)
        node: Any = root
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
            if isinstance(node, int):
                break
        if isinstance(node, int) or not path or node.setdefault(path[-1], leaf) != leaf:
            complete = False
    return _settle(root), complete


def _path(name: str) -> tuple[str | int, ...]:
    """Return the segments of a dotted name without the wrappers; (): too many of them."""
    path: list[str | int] = []
    for segment in name.split("."):
        if segment.isascii() and segment.isdigit():
            path.append(int(segment[:18]))
        elif not path or segment != path[-1]:
            after_index = path and isinstance(path[-1], int)
            if not (after_index and segment in WRAPPERS):
                path.append("content" if segment == "contents" else segment)
    return tuple(path) if len(path) <= MAX_SEGMENTS else ()


def _settle(node: Any) -> Template:
    if isinstance(node, int):
        return node
    numbers = [name for name in node if isinstance(name, int)]
    if numbers and len(numbers) == len(node):
        return tuple(_settle(node[number]) for number in sorted(numbers))
    return {str(name): _settle(item) for name, item in node.items()}
