"""Lists and objects that a dialect has flattened into dotted names, put together again."""

from __future__ import annotations

from typing import Final

from tracer.records import Json

MAX_SEGMENTS: Final = 16
WRAPPERS: Final = frozenset(
    ("message", "message_content", "tool_call", "document", "image", "prompt", "completion")
)
"""Names that only repeat what an item of a list is."""


def rebuild(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the value whose leaves are ``parts``; False where names contradict each other.

    ``{"0.message.role": "user"}`` gives ``[{"role": "user"}]``: numbers are places in a list, of
    which only the order counts, so that no index can make a list long.
    """
    root: dict[str, Json] = {}
    complete = True
    for name, value in parts.items():
        complete &= _put(root, name.split("."), value)
    return _settle(root), complete


def _put(node: dict[str, Json], path: list[str], value: Json) -> bool:
    if len(path) > MAX_SEGMENTS:
        return False
    for segment in path[:-1]:
        child = node.setdefault(segment, {})
        if not isinstance(child, dict):
            return False
        node = child
    return node.setdefault(path[-1], value) is value


def _settle(node: Json) -> Json:
    if not isinstance(node, dict) or not node:
        return node
    if all(name.isascii() and name.isdigit() for name in node):
        return [_settle(node[name]) for name in sorted(node, key=lambda name: (len(name), name))]
    settled = {name: _settle(value) for name, value in node.items()}
    if len(settled) == 1:
        name, value = next(iter(settled.items()))
        if name in WRAPPERS and isinstance(value, dict):
            return value
    if "contents" in settled and "content" not in settled:
        settled["content"] = settled.pop("contents")
    return settled
