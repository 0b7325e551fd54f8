"""Pure: merges objects part by part, each part by its own rank, in any order of arrival.

The name of a part is the path of its keys: ``metadata.`` and the keys separated by slashes, with
``/`` as ``~1`` and ``~`` as ``~0`` (RFC 6901). The name of an empty object that is merged ends in
``/~``: it replaces a value that is no object, and keeps the content of an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tracer.records import Json

PREFIX: Final = "metadata."
# Each part has a stored rank; an object of more parts is merged by its first keys only.
MOST_PARTS: Final = 200

_OBJECT: Final = "/~"


def parts(value: dict[str, Json], *, deep: bool) -> Iterator[tuple[str, Json]]:
    """Yield the name and value of each part: of each key, or with ``deep`` of each leaf."""
    if deep:
        leaves = list(_leaves(PREFIX, value))
        if len(leaves) <= MOST_PARTS:
            yield from leaves
            return
    yield from ((PREFIX + _escaped(key), part) for key, part in value.items())


def _leaves(prefix: str, value: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, part in value.items():
        name = prefix + _escaped(key)
        if not isinstance(part, dict):
            yield name, part
        elif part:
            yield from _leaves(f"{name}/", part)
        else:
            yield name + _OBJECT, part


def lay_over(base: dict[str, Json], additions: Iterable[tuple[int, str, Json]]) -> dict[str, Json]:
    """Return ``base`` with parts of (version, name, value) applied, the oldest first."""
    merged = dict(base)
    for _, name, value in sorted(additions, key=lambda part: part[:2]):
        _set(merged, name, value)
    return merged


def put(
    target: dict[str, Json], ranks: dict[str, list[int]], name: str, value: Json, rank: list[int]
) -> None:
    """Set a part of ``target``, unless it or an enclosing part has a higher rank."""
    old = ranks.get(name)
    if old is not None and (
        rank < old or (rank == old and _bytes(value) <= _bytes(_get(target, name)))
    ):
        return
    if any(ranks.get(above, rank) > rank for above in _above(name)):
        return
    ranks[name] = rank
    within = [other for other in ranks if other.startswith(f"{name}/")]
    stale = [other for other in within if ranks[other] < rank]
    if within and not stale:
        return
    for other in stale:
        del ranks[other]
    kept = {other: _get(target, other) for other in within if other in ranks}
    _set(target, name, {} if kept else value)
    for other, part in sorted(kept.items(), key=lambda item: item[0]):
        # A part that contains others was replaced by them.
        if not any(further.startswith(f"{other}/") for further in kept):
            _set(target, other, part)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def _path(name: str) -> list[str]:
    keys = name[len(PREFIX) :].split("/")
    return [key.replace("~1", "/").replace("~0", "~") if "~" in key else key for key in keys]


def _above(name: str) -> Iterator[str]:
    index = name.find("/")
    while index >= 0:
        yield name[:index]
        index = name.find("/", index + 1)


def _set(target: dict[str, Json], name: str, value: Json) -> None:
    *above, last = _path(name.removesuffix(_OBJECT))
    for key in above:
        # A copy, because the record may share the object.
        within = target.get(key)
        target[key] = target = dict(within) if isinstance(within, dict) else {}
    if not (name.endswith(_OBJECT) and isinstance(target.get(last), dict)):
        target[last] = value


def _get(value: Json, name: str) -> Json:
    if name.endswith(_OBJECT):
        return {}
    for key in _path(name):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _bytes(value: Json) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
