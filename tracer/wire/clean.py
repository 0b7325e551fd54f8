"""Makes any decoded value storable: PostgreSQL takes no NUL, no lone surrogate and no NaN."""

from __future__ import annotations

import json
import math
import sys
from itertools import islice
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.records import Json

MAX_DEPTH: Final = 64
MAX_KEYS: Final = 10_000
"""Keys of one object; further ones are left out, which the key MORE_KEYS shows."""
MORE_KEYS: Final = "…"
MAX_VALUE_BYTES: Final = 1024 * 1024
REPLACEMENT: Final = "\ufffd"
TOO_DEEP: Final = f"…[nested deeper than {MAX_DEPTH} levels]"

# Each level takes two characters at least.
_MIN_LENGTH_OF_DEEP: Final = 2 * MAX_DEPTH
_COUNTED: Final = 8_000
"""Characters of a text whose brackets are counted first; a longer one has too many to decide."""
_NESTING: Final = frozenset((dict, list))
_OPENING: Final = frozenset("{[")
_LENIENT_SIGNS: Final = ("NaN", "Infinity", "\\ud", "\\uD")


def clean(value: Json, *, max_bytes: int = MAX_VALUE_BYTES) -> tuple[Json, dict[str, Json]]:
    """Return ``value`` storable as jsonb, and notes of the changes (empty: none).

    Notes: ``cleaned`` lists what was replaced (``nul``, ``surrogate``, ``nan``) or is kept although
    floats have no room for it (``range``), ``depth`` is the limit that was exceeded, ``keys`` is
    how many an object of too many had, ``truncated`` and ``size`` (bytes) describe the cut. Long
    text is cut where it stands; a list or object that is too long as a whole becomes cut JSON text.
    """
    notes: dict[str, Json] = {}
    if type(value) is str:
        return clean_text(value, notes, max_bytes), notes
    value = _clean(value, notes, max_bytes, MAX_DEPTH)
    if isinstance(value, (dict, list)):
        encoded = exact_json.encode(value)
        if len(encoded) > max_bytes:
            value = _cut(encoded, notes, max_bytes)
    return value, notes


def storable(value: Json) -> Json:
    """Return ``value`` of any size as the database can hold it, without notes."""
    return _clean(value, {}, sys.maxsize, MAX_DEPTH)


def clean_text(text: str, notes: dict[str, Json], max_bytes: int = MAX_VALUE_BYTES) -> str:
    """Return ``text`` without NUL and lone surrogates, cut to ``max_bytes``; add to ``notes``."""
    if "\x00" in text:
        _note(notes, "nul")
        text = text.replace("\x00", REPLACEMENT)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            _note(notes, "surrogate")
            # A pair of surrogates becomes one character; a lone one is replaced.
            halves = text.encode("utf-16-le", "surrogatepass")
            text = halves.decode("utf-16-le", "replace")
    if len(text) * 4 > max_bytes and len(encoded := text.encode()) > max_bytes:
        text = _cut(encoded, notes, max_bytes)
    return text


def decode_text(text: str) -> tuple[Json, dict[str, Json]]:
    """Return the object or array that ``text`` holds as JSON, and notes; else ``text`` itself.

    Text that is nested too deeply stays text, so that nothing is lost.
    """
    first = text[:1]
    if first not in _OPENING and not (first.isspace() and text[:64].lstrip()[:1] in _OPENING):
        return text, {}
    try:
        value, has_tiny = exact_json.decode_noting_tiny(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _decode_leniently(text)
        if value is None:
            return text, {}
        return clean(value)
    if len(text) > _MIN_LENGTH_OF_DEEP and _may_be_deep(text) and deeper_than(MAX_DEPTH, value):
        return text, {"depth": MAX_DEPTH}
    # Most texts have no escapes, and a single character is searched for ten times faster.
    if has_tiny or ("\\" in text and "\\u0000" in text):
        return clean(value)
    return value, {}


def _decode_leniently(text: str) -> Json:
    # Python's json accepts some texts that msgspec rejects, with one of these signs.
    if not any(sign in text for sign in _LENIENT_SIGNS):
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return None if deeper_than(MAX_DEPTH, value) else value


def _may_be_deep(text: str) -> bool:
    return len(text) > _COUNTED or text.count("[") + text.count("{") > MAX_DEPTH


def deeper_than(limit: int, value: Json) -> bool:
    """Return whether a decoded ``value`` has more than ``limit`` levels of lists and objects."""
    level: list[Any] = [value]
    for _ in range(limit):
        # Decoders make no subclasses, and a set of types is searched in half the time.
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in _NESTING
        ]
        if not level:
            return False
    return True


def _clean(value: Json, notes: dict[str, Json], max_bytes: int, depth: int) -> Json:
    if isinstance(value, str):
        return clean_text(value, notes, max_bytes)
    if isinstance(value, float):
        if math.isfinite(value):
            if isinstance(value, exact_json.SentNumber) and not value:
                # Kept as it was sent, but a reader that converts it to a float gets 0.
                _note(notes, "range")
            return value
        _note(notes, "nan")
        return number_name(value)
    if isinstance(value, (dict, list)) and depth == 0:
        notes["depth"] = MAX_DEPTH
        return TOO_DEEP
    if isinstance(value, dict):
        return {
            clean_text(str(key), notes, max_bytes): _clean(item, notes, max_bytes, depth - 1)
            for key, item in limit_keys(value, notes).items()
        }
    if isinstance(value, list):
        return [_clean(item, notes, max_bytes, depth - 1) for item in value]
    return value


def limit_keys(value: dict[str, Json], notes: dict[str, Json]) -> dict[str, Json]:
    """Return ``value`` with at most MAX_KEYS keys and a marker for the others; add to ``notes``."""
    if len(value) <= MAX_KEYS:
        return value
    notes["keys"] = len(value)
    marker = f"[truncated, {len(value)} keys]"
    return {**dict(islice(value.items(), MAX_KEYS)), MORE_KEYS: marker}


def number_name(value: float) -> str:
    """Return JSON's customary text for a float that JSON has no number for."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _cut(encoded: bytes, notes: dict[str, Json], max_bytes: int) -> str:
    notes["truncated"] = True
    notes["size"] = len(encoded)
    return f"{encoded[:max_bytes].decode(errors='ignore')}…[truncated, {len(encoded)} bytes]"


def _note(notes: dict[str, Json], what: str) -> None:
    replaced = notes.setdefault("cleaned", [])
    if what not in replaced:
        replaced.append(what)
