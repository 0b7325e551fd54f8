"""Reads JSON text into validated Structs; errors name the item, the field and the expectation."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from tracer import exact_json
from tracer.errors import Invalid, ItemError
from tracer.records import Json
from tracer.wire.clean import storable
from tracer.wire.json_density import check_density

T = TypeVar("T", bound=msgspec.Struct)

MAX_DEPTH: Final = 300
"""Levels of nesting that are parsed; the decoders recurse, and Python's stack is finite."""
ABSURD_DEPTH: Final = 200_000
"""Levels at which a request is rejected: cutting takes time for each."""
MAX_DIGITS: Final = 300
DEEP_MARKER: Final = "…[truncated, nested too deeply]"

# Possessive and with an optional closing quote, so that hostile text is scanned only once.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[\[\]{}]', re.DOTALL)
_ERROR: Final = re.compile(r"(?P<text>.*?)(?: - at `(?:key` in `)?\$(?P<path>.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_TIME: Final = "an ISO 8601 time such as 2026-01-31T09:30:00.123456Z"
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "datetime": _TIME,
}


def read_json(body: bytes) -> Json:
    """Return the JSON value of ``body``, also of common deviations from the standard.

    NaN, Infinity and lone surrogates are accepted, for `wire.clean` to replace and flag; deeper
    levels are cut with a marker. Raises Invalid for text that is not JSON.
    """
    check_density(body)
    try:
        return _parse(body.decode())
    except UnicodeDecodeError as error:
        raise Invalid(f"expected UTF-8 text, got the byte at {error.start}") from None
    except RecursionError:
        return read_json(_cut_deep(body))
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise Invalid(f"expected JSON: {error.msg} at {position}") from None


def read_storable_json(body: bytes) -> Json:
    """Return the JSON value of ``body`` as the database can hold it; raises Invalid.

    What can't be stored is replaced, and nothing shows where: attributes of spans and traces are
    read by `read_json`, and cleaned with notes.
    """
    return storable(read_json(body))


def _parse(text: str) -> Json:
    try:
        return exact_json.decode(text)
    except msgspec.DecodeError:
        # Slower, but accepts non-standard JSON of Python and JavaScript.
        return json.loads(text, parse_int=_read_int)


def _read_int(digits: str) -> int | str:
    # Python doesn't parse very long integers; as text they are complete.
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _cut_deep(body: bytes) -> bytes:
    """Return ``body`` with every value below MAX_DEPTH replaced by a marker, found textually."""
    marker = json.dumps(DEEP_MARKER).encode()
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start() : token.start() + 1]
        if first in b"[{":
            depth += 1
            if depth > ABSURD_DEPTH:
                raise Invalid(f"expected JSON: nested deeper than {ABSURD_DEPTH} levels")
            if depth == MAX_DEPTH + 1:
                kept += body[start : token.start()], marker
        elif first in b"]}":
            if depth == MAX_DEPTH + 1:
                start = token.end()
            depth -= 1
    return b"".join([*kept, body[start:]]) if depth <= MAX_DEPTH else b"".join(kept)


def read_item(value: Json, kind: type[T], item: str = "", *, strict: bool = True) -> T:
    """Return ``value`` as a ``kind``; ``strict=False`` reads numbers out of text (query strings).

    Raises Invalid with one ItemError that names ``item``, the field and what was expected.
    """
    try:
        return _convert(value, kind, strict=strict)
    except UnicodeEncodeError:
        # A lone surrogate in a name; values with one are accepted and flagged.
        return read_item(_encodable(value), kind, item, strict=strict)
    except msgspec.ValidationError as error:
        refusal = _explain(error, value, kind, item)
        raise Invalid(str(refusal), [refusal]) from None


def _convert(value: Json, kind: type[T], *, strict: bool) -> T:
    """Return ``value`` as a ``kind``; a field that is a number gets a float, with its digits."""
    while True:
        try:
            return msgspec.convert(value, kind, strict=strict)
        except msgspec.ValidationError as error:
            match = _ERROR.fullmatch(str(error))
            path = match["path"] if match else None
            if "SentNumber" not in str(error) or not path or not _make_float(value, path):
                raise


def _make_float(value: Json, path: str) -> bool:
    """Replace the SentNumber at a path by a float; return whether one is there."""
    steps = [name or int(index) for name, index in _STEP.findall(path)]
    for step in steps[:-1]:
        value = value[step]
    number = value[steps[-1]] if steps else None
    if not isinstance(number, exact_json.SentNumber):
        return False
    value[steps[-1]] = float(number)
    return True


def invalid_field(error: ValueError) -> Invalid:
    """Return the error of a Struct's own check, which raises ValueError "field: reason"."""
    field, _, reason = str(error).partition(": ")
    return Invalid.of_field(field, reason)


def printable(text: str) -> str:
    """Return a client's text without lone surrogates, which can't be encoded."""
    return text.encode("utf-8", "replace").decode()


def _encodable(value: Json) -> Json:
    if isinstance(value, dict):
        return {printable(key): _encodable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_encodable(part) for part in value]
    return printable(value) if isinstance(value, str) else value


def _explain(error: msgspec.ValidationError, value: Json, kind: type, item: str) -> ItemError:
    # A Struct's __post_init__ raises "field: reason"; msgspec has it as the cause.
    if error.__cause__ is not None:
        field, _, reason = str(error.__cause__).partition(": ")
        return ItemError(item=item, field=field, reason=reason)
    match = _ERROR.fullmatch(str(error))
    assert match is not None
    text, path = match["text"], (match["path"] or "").lstrip(".")
    if named := re.search(r"(missing required|unknown) field `(.*)`", text, re.DOTALL):
        field = printable(f"{path}.{named[2]}".lstrip("."))
        missing = "expected a value, got nothing"
        unknown = named[1] == "unknown"
        return ItemError(
            item=item, field=field, reason=_unknown(field, kind) if unknown else missing
        )
    wanted = _wanted(text, path, kind)
    return ItemError(item=item, field=path, reason=f"expected {wanted}, got {_got(value, path)}")


def _unknown(field: str, kind: type) -> str:
    # By the sent names, which may differ from the names of fields.
    known = list(getattr(kind, "__struct_encode_fields__", get_type_hints(kind)))
    near = get_close_matches(field, known, n=1)
    meant = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return f"no such field; {meant}"


def _wanted(text: str, path: str, kind: type) -> str:
    if text.startswith("Invalid RFC3339"):
        return _TIME
    if text.startswith("Invalid enum value"):
        return "one of " + ", ".join(_options(get_type_hints(kind).get(path)))
    wanted = text.removeprefix("Expected ").partition(", got ")[0]
    return re.sub(r"`([^`]*)`", lambda names: _in_words(names[1]), wanted)


def _in_words(names: str) -> str:
    """Return msgspec's ``str | null`` in words: text or null."""
    return " or ".join(_WORDS.get(name, name) for name in names.split(" | "))


def _options(hint: Any) -> list[str]:
    if get_origin(hint) is None:
        return [hint] if isinstance(hint, str) else []
    return [option for part in get_args(hint) for option in _options(part)]


def _got(value: Json, path: str) -> str:
    """Return the value at ``path`` in ``value`` as shortened JSON."""
    for name, index in _STEP.findall(path):
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and index and int(index) < len(value):
            value = value[int(index)]
    text = json.dumps(value, ensure_ascii=True, default=str, skipkeys=True)
    return text if len(text) <= 80 else f"{text[:80]}…"
