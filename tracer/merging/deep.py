"""Pure: merges objects part by part, each part by its own rank, in any order of arrival.

The name of a part is the path of its keys: ``metadata.`` and the keys separated by slashes, with
``/`` as ``~1`` and ``~`` as ``~0`` (RFC 6901). The name of an empty object that is merged ends in
``/~``: it replaces a value that is no object, and keeps the content of an object.

A part that is None removes its key; the value null of a key is the part `NULL`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tracer import exact_json
from tracer.records import Json

PREFIX: Final = "metadata."
# Each part has a stored rank; an object of more parts is merged by its first keys only.
MAX_PARTS: Final = 200

NULL: Final[dict[str, Json]] = {"/null": None}
"""The part of a key whose value is null."""

_OBJECT: Final = "/~"


def parts(
    value: dict[str, Json], *, deep: bool, removing: bool = False
) -> Iterator[tuple[str, Json]]:
    """Yield the name and value of each part: of each key, or with ``deep`` of each leaf.

    ``removing``: without ``deep``, null removes its key, rather than being its value.
    """
    if deep:
        leaves = list(_leaves(PREFIX, value))
        if len(leaves) <= MAX_PARTS:
            yield from leaves
            return
    null = None if removing and not deep else NULL
    for key, part in value.items():
        yield PREFIX + _escaped(key), null if part is None else part


def _leaves(prefix: str, value: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, part in value.items():
        name = prefix + _escaped(key)
        if not isinstance(part, dict):
            yield name, NULL if part is None else part
        elif part:
            yield from _leaves(f"{name}/", part)
        else:
            yield name + _OBJECT, part


def lay_over(base: dict[str, Json], additions: Iterable[tuple[int, str, Json]]) -> dict[str, Json]:
    """Return ``base`` with parts of (version, name, value) applied, the oldest first."""
    tree = _Tree(dict(base))
    for _, name, value in sorted(additions, key=lambda part: part[:2]):
        tree.place(name, value)
    return tree.root


def put(
    target: dict[str, Json],
    ranks: dict[str, list[int]],
    parts: Iterable[tuple[str, Json]],
    rank: list[int],
) -> None:
    """Set parts of ``target``, unless they or enclosing parts have a higher rank."""
    tree, inner = _Tree(target), _Inner(ranks)
    for name, value in parts:
        _put(tree, ranks, inner, name, value, rank)


def _put(
    tree: _Tree,
    ranks: dict[str, list[int]],
    inner: _Inner,
    name: str,
    value: Json,
    rank: list[int],
) -> None:
    old = ranks.get(name)
    if old is not None:
        equal = rank == old and exact_json.encode_deterministic(
            value
        ) <= exact_json.encode_deterministic(tree.find(name))
        if rank < old or equal:
            return
    if any(ranks.get(above, rank) > rank for above in _above(name)):
        return
    ranks[name] = rank
    within = inner.of(name)
    inner.add(name)
    stale = [other for other in within if ranks[other] < rank]
    if within and not stale:
        return
    for other in stale:
        del ranks[other]
        inner.remove(other)
    kept = {other: tree.find(other) for other in within if other in ranks}
    tree.place(name, {} if kept else value)
    for other, part in sorted(kept.items(), key=lambda item: item[0]):
        # A part that contains others was replaced by them.
        if not any(map(kept.__contains__, inner.of(other))):
            tree.place(other, part)


class _Inner:
    """The names below each key of the object: most parts have none, and need no search."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: dict[str, set[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        key, slash, _ = name.partition("/")
        if slash:
            self._names.setdefault(key, set()).add(name)

    def remove(self, name: str) -> None:
        self._names[name.partition("/")[0]].discard(name)

    def of(self, name: str) -> list[str]:
        """Return the names within the object ``name``."""
        below = self._names.get(name.partition("/")[0], ())
        return [other for other in below if other.startswith(f"{name}/")]


class _Tree:
    """An object whose parts are set by name; each inner object is copied once, before a change."""

    def __init__(self, root: dict[str, Json]) -> None:
        self.root = root
        # By identity; they are kept here, so that no other object gets the same identity.
        self._copied: dict[int, dict[str, Json]] = {id(root): root}

    def place(self, name: str, value: Json) -> None:
        """Set a part, and make objects of what is above it."""
        *above, last = _path(name.removesuffix(_OBJECT))
        holder = self.root
        for key in above:
            holder = self._own(holder, key)
        if not (name.endswith(_OBJECT) and isinstance(holder.get(last), dict)):
            self._set(holder, last, value)

    @staticmethod
    def _set(holder: dict[str, Json], key: str, value: Json) -> None:
        if value is None:
            holder.pop(key, None)
        else:
            holder[key] = None if value == NULL else value

    def find(self, name: str) -> Json:
        """Return a part; None: there is none."""
        if name.endswith(_OBJECT):
            return {}
        value: Json = self.root
        for key in _path(name):
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return NULL if value is None else value

    def _own(self, holder: dict[str, Json], key: str) -> dict[str, Json]:
        # A copy: what was read may be shared with the record it came from.
        within = holder.get(key)
        if id(within) not in self._copied:
            within = dict(within) if isinstance(within, dict) else {}
            self._copied[id(within)] = holder[key] = within
        return self._copied[id(within)]


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
