"""Lists and objects that a dialect has flattened into dotted names, put together again."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tracer.records import Json

MAX_SEGMENTS: Final = 16
WRAPPERS: Final = frozenset(("message", "message_content", "tool_call", "document"))
"""Names that only repeat what an item of a list is."""


def rebuild(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the value whose leaves are ``parts``; False where names contradict each other.

    ``{"0.message.role": "user"}`` gives ``[{"role": "user"}]``: numbers are places in a list, of
    which only the order counts, so that no index can make a list long.
    """
    root: dict[str | int, Json] = {}
    complete = True
    for name, value in parts.items():
        path = _path(name)
        node = root
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
            if type(node) is not dict:
                break
        if type(node) is not dict or not path or node.setdefault(path[-1], value) is not value:
            complete = False
    return _settle(root), complete


@lru_cache(maxsize=10_000)
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


def _settle(node: dict[str | int, Json]) -> Json:
    for name, value in node.items():
        if type(value) is dict:
            node[name] = _settle(value)
    numbers = [name for name in node if type(name) is int]
    if not numbers:
        return node
    if len(numbers) == len(node):
        return [node[number] for number in sorted(numbers)]
    return {str(name): value for name, value in node.items()}
