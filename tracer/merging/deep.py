"""Pure: objects merged part by part, each part by its own rank, in whatever order they arrive.

A part is named by the path of its keys: ``metadata.`` and the keys between slashes, in which
``/`` is ``~1`` and ``~`` is ``~0`` (as in RFC 6901). An empty object that is merged, rather than
set, says no more than that there is an object: its name ends in ``/~``, as no key's does. Where
something else was there before, it gives way; what is within an object stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tracer.records import Json

PREFIX: Final = "metadata."
# Each part has a rank of its own to be kept; an object of more parts is merged by its keys alone.
MOST_PARTS: Final = 200

_OBJECT: Final = "/~"


def parts(value: dict[str, Json], *, deep: bool) -> Iterator[tuple[str, Json]]:
    """Yield the name and value of each part: each key, or with ``deep`` each innermost one."""
    if deep:
        found = list(_leaves(PREFIX, value))
        if len(found) <= MOST_PARTS:
            yield from found
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


def lay_over(base: dict[str, Json], said: Iterable[tuple[int, str, Json]]) -> dict[str, Json]:
    """Return ``base`` with parts of (version, name, value) laid over it, the oldest first."""
    found = dict(base)
    for _, name, value in sorted(said, key=lambda one: one[:2]):
        _place(found, name, value)
    return found


def put(
    held: dict[str, Json], ranks: dict[str, list[int]], name: str, value: Json, at: list[int]
) -> None:
    """Give a part of ``held`` its value, unless something firmer was said of it or around it."""
    old = ranks.get(name)
    if old is not None and (at < old or (at == old and _bytes(value) <= _bytes(_find(held, name)))):
        return
    if any(ranks.get(above, at) > at for above in _above(name)):
        return
    ranks[name] = at
    within = [other for other in ranks if other.startswith(f"{name}/")]
    stale = [other for other in within if ranks[other] < at]
    if within and not stale:
        return
    for other in stale:
        del ranks[other]
    firmer = {other: _find(held, other) for other in within if other in ranks}
    _place(held, name, {} if firmer else value)
    for other, part in sorted(firmer.items(), key=lambda one: one[0]):
        # One with others within has given way to them.
        if not any(further.startswith(f"{other}/") for further in firmer):
            _place(held, other, part)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def _path(name: str) -> list[str]:
    keys = name[len(PREFIX) :].split("/")
    return [key.replace("~1", "/").replace("~0", "~") if "~" in key else key for key in keys]


def _above(name: str) -> Iterator[str]:
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)


def _place(held: dict[str, Json], name: str, value: Json) -> None:
    *above, last = _path(name.removesuffix(_OBJECT))
    for key in above:
        # A copy: what was read may be shared with the record it came from.
        within = held.get(key)
        held[key] = held = dict(within) if isinstance(within, dict) else {}
    if not (name.endswith(_OBJECT) and isinstance(held.get(last), dict)):
        held[last] = value


def _find(held: Json, name: str) -> Json:
    if name.endswith(_OBJECT):
        return {}
    for key in _path(name):
        held = held.get(key) if isinstance(held, dict) else None
    return held


def _bytes(value: Json) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
