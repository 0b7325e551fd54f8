"""Converts any value to JSON text of limited length."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Set
from operator import attrgetter, index, methodcaller
from time import time_ns
from typing import Any, Final

from tracer.sdk._config import logger

_MAX_DEPTH: Final = 40
_MAX_ITEMS: Final = 10_000
_MAX_REPR_CHARACTERS: Final = 1_000
_MIN_KEY_BYTES: Final = 50
_MARKER_BYTES: Final = 30
"""Size of the text that marks a cut, estimated."""


Time = int | float | datetime.datetime
"""Nanoseconds (int) or seconds (float) since the epoch, or a datetime."""


def to_json(value: Any, max_bytes: int = 1_000_000) -> str:
    """Return ``value`` as JSON text of at most about ``max_bytes`` in UTF-8; never raises.

    An object that JSON has no form for is stored by its content, such as the fields of a dataclass,
    else by its ``repr``. A value that is too long is cut at that point, with a marker, and so is
    one that contains itself or is nested too deep.
    """
    try:
        if not _is_huge(value, max_bytes):
            text = _encode(value)
            if len(text if text.isascii() else text.encode()) <= max_bytes:
                return text
    except Exception:  # noqa: S110 - the value is cut below
        # Circular values, unusual keys, lone surrogates, or an object whose own methods fail.
        pass
    return _cut_json(value, max_bytes)


def _is_huge(value: Any, max_bytes: int) -> bool:
    """Return whether a value is too large to be encoded as a whole before it is cut."""
    if isinstance(value, (str, bytes, bytearray)):
        return len(value) > max_bytes
    return isinstance(value, (list, tuple, dict)) and len(value) > _MAX_ITEMS


def _cut_json(value: Any, max_bytes: int) -> str:
    budget = max_bytes
    try:
        while True:
            text = _encode_ascii(_Cut(budget).plain(value, 0))
            if len(text) <= max_bytes or budget < 10:
                return text
            # Escapes and punctuation are not in the budget.
            budget //= 2
    except Exception as error:
        # Such as a RecursionError, where the application is deep in its stack.
        return f'"…[not stored: {type(error).__qualname__}]"'


class _Cut:
    """Converts any value to plain data, within a budget of bytes."""

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._above: set[int] = set()

    def plain(self, value: Any, depth: int) -> Any:
        """Return ``value`` as JSON's own types."""
        if id(value) in self._above:
            return "…[circular]"
        if depth > _MAX_DEPTH:
            return f"…[nested deeper than {_MAX_DEPTH} levels]"
        # Only the containers above count: the same value twice in a list is not circular.
        self._above.add(id(value))
        try:
            return self._composed(value, depth)
        except Exception:
            # The object's own methods fail.
            return describe(value)
        finally:
            self._above.discard(id(value))

    def _composed(self, value: Any, depth: int) -> Any:
        if value is None or type(value) in (bool, int, float):
            self._left -= 8
            # Python refuses to write out integers of thousands of digits.
            return value if type(value) is not int or abs(value) < 2**64 else describe(value)
        if isinstance(value, str):
            # A long text gets half of the budget, so that the values after it are kept.
            return self._text(str.__str__(value), self._left // 2 if depth else self._left)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple)):
            return self._list(value, depth)
        return self.plain(plain(value), depth + 1)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        cut: dict[str, Any] = {}
        for key, item in value.items():
            if self._left <= 0 or len(cut) >= _MAX_ITEMS:
                cut["…"] = f"[truncated, {len(value) - len(cut)} more entries]"
                break
            name = str.__str__(key) if isinstance(key, str) else describe(key)
            cut[self._text(name, max(self._left, _MIN_KEY_BYTES))] = self.plain(item, depth + 1)
        return cut

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        cut: list[Any] = []
        for item in value:
            if self._left <= 0 or len(cut) >= _MAX_ITEMS:
                cut.append(f"…[truncated, {len(value) - len(cut)} more items]")
                break
            cut.append(self.plain(item, depth + 1))
        return cut

    def _text(self, text: str, max_bytes: int) -> str:
        max_bytes = max(max_bytes, 0)
        encoded = text[: max_bytes + 1].encode("utf-8", "replace")
        self._left -= min(len(encoded), max_bytes)
        if len(encoded) > max_bytes:
            self._left -= _MARKER_BYTES
            beginning = encoded[:max_bytes].decode("utf-8", "ignore")
            text = f"{beginning}…[truncated, {len(text)} characters]"
        return text


def plain(value: Any) -> Any:
    """Return an object's content, for an object that JSON has no form for."""
    for kinds, content in _CONTENT:
        if isinstance(value, kinds):
            return content(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    return _fields(value, type(value))


def _fields(value: Any, kind: Any) -> Any:
    """Return the content of objects of known families: pydantic, arrays, attrs, dataclasses."""
    try:
        # Recognised by their attributes: the SDK imports none of these libraries.
        if hasattr(kind, "model_dump"):
            return value.model_dump(mode="json", warnings=False)
        if hasattr(kind, "tolist") and hasattr(kind, "dtype"):
            # numpy, or torch, where `size` is a method; a large array is stored by its repr.
            count = value.numel() if hasattr(kind, "numel") else value.size
            return value.tolist() if count <= _MAX_ITEMS else describe(value)
        declared = getattr(kind, "__attrs_attrs__", None) or dataclasses.fields(kind)
        return {field.name: getattr(value, field.name, None) for field in declared}
    except Exception:
        return describe(value)


def _bytes(value: Any) -> Any:
    value = bytes(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        start = base64.b64encode(value[:100_000]).decode()
        return {"bytes": len(value), "base64": start}


def describe(value: Any) -> str:
    """Return a short text for any object, even one whose ``repr`` fails."""
    try:
        text = repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__}: repr failed with {type(error).__qualname__}>"
    return (
        text if len(text) <= _MAX_REPR_CHARACTERS else f"{text[:_MAX_REPR_CHARACTERS]}…[truncated]"
    )


def nanoseconds(time: Time | None) -> int:
    """Return ``time`` as nanoseconds since the epoch; the present for None or an invalid time."""
    if time is None:
        return time_ns()
    try:
        if isinstance(time, datetime.datetime):
            return int(time.timestamp() * 1_000_000) * 1_000
        return int(time * 1_000_000_000) if isinstance(time, float) else index(time)
    except (OverflowError, TypeError, ValueError):
        logger.warning("%r is not a time; the present is used", time)
        return time_ns()


def merged_json(old: str, new: str) -> str:
    """Return the JSON object ``old`` updated with ``new``; anything but an object is replaced."""
    if new == "{}" or not (old[:2] == '{"' and new[:1] == "{"):
        return old if new == "{}" else new
    # Of two entries with the same name, JSON parsers take the last.
    return f"{old[:-1]},{new[1:]}"


_CONTENT: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    ((bytes, bytearray, memoryview), _bytes),
    (enum.Enum, attrgetter("value")),
    (BaseException, lambda error: {"type": type(error).__qualname__, "message": str(error)}),
    ((datetime.date, datetime.time), methodcaller("isoformat")),
    (datetime.timedelta, methodcaller("total_seconds")),
    ((decimal.Decimal, uuid.UUID, pathlib.PurePath, complex), str),
    (Mapping, dict),
    ((Set, deque, range), list),
)
_COMPACT: Final = (",", ":")
# One encoder for all values: making one takes longer than encoding most of them.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT, default=plain).encode
_encode_ascii: Final = json.JSONEncoder(separators=_COMPACT, default=describe).encode
