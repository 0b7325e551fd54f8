"""Parsers of attribute values: each returns a field's value, or None for a value it can't read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects.table import Parse
from tracer.wire.usage.numbers import amount as amount
from tracer.wire.usage.numbers import count as count

# The last microsecond that Python and PostgreSQL can represent: the end of the year 9999.
MAX_MICROS: Final = 253_402_300_799_999_999


def text(value: Json) -> str | None:
    """Return a non-empty scalar as text."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def some(value: Json) -> int | None:
    """Return a count above zero: some sources send zero for every kind of token."""
    return count(value) or None


def boolean(value: Json) -> bool | None:
    """Return a boolean, also one that is sent as text."""
    if isinstance(value, bool):
        return value
    return (
        {"true": True, "false": False}.get(value.strip().lower())
        if isinstance(value, str)
        else None
    )


def mapping(value: Json) -> dict[str, Json] | None:
    """Return a non-empty object."""
    return value if isinstance(value, dict) and value else None


def present(value: Json) -> Json:
    """Return any value but the empty text, which instrumentations send for no value."""
    return None if value == "" else value


def names(value: Json) -> list[str] | None:
    """Return a list of texts; one text is split at its commas.

    Numbers and other items become the text that they are in JSON.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return None
    items = [name for item in value if (name := _item_text(item))]
    return list(dict.fromkeys(items)) or None


def _item_text(item: Json) -> str | None:
    if item is None or isinstance(item, str):
        return text(item)
    return exact_json.encode(item).decode()


def texts(value: Json) -> list[str] | None:
    """Return a list of texts unchanged, and a single text as a list."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    return value if all(isinstance(item, str) and item for item in value) else None


def objects(value: Json) -> list[Json] | None:
    """Return a list of objects."""
    if not isinstance(value, list) or not value:
        return None
    for item in value:
        if not isinstance(item, dict):
            return None
    return value


def milliseconds(value: Json) -> list[int] | None:
    """Return the only reading of a duration in milliseconds: its microseconds."""
    if type(value) is float:
        return [_whole(value * 1_000)] if 0 <= value < 10**12 else None
    number = value if type(value) is int and value >= 0 else amount(value)
    return [int(number * 1_000)] if number is not None and number < 10**12 else None


def seconds(value: Json) -> list[int] | None:
    """Return both readings of a duration in microseconds: as seconds and as milliseconds.

    The conventions require seconds; some frameworks send milliseconds under the same names.
    """
    number = value if type(value) is float and value >= 0 else amount(value)
    if number is None or number >= 10**12:
        return None
    micros = _whole(number * 1_000_000) if type(number) is float else int(number * 1_000_000)
    return [micros, micros // 1_000]


def _whole(micros: float) -> int:
    """Return the whole microseconds of a product, without the rounding error of floats.

    Decimals take three times as long.
    """
    return int(round(micros, 3))


def moment(event: Json) -> int | None:
    """Return an event's time in microseconds."""
    time: int = event["time_ns"] // 1_000
    return time if 0 < time <= MAX_MICROS else None


def micros(value: Json) -> int | None:
    """Return an ISO 8601 time (also quoted once more) as microseconds since the epoch, UTC."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip().strip('"'))
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    since = time - _EPOCH
    time_in_micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return time_in_micros if 0 <= time_in_micros <= MAX_MICROS else None


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def filled(value: Json) -> Json:
    """Return any value but the empty text, list and object."""
    return value if value or value not in ("", [], {}) else None


def unquoted(value: Json) -> Json:
    """Return any value but the empty text; JSON text of one string becomes that string."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = exact_json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return value
    return present(value)


def opened(value: Json) -> Json:
    """Return the value of an attribute that the convention defines as JSON text.

    Quotes around a text are removed, nested JSON text is decoded, null becomes None.
    """
    layers = _MAX_LAYERS
    while layers and isinstance(value, str) and value[:1] in _BEGINNINGS:
        layers -= 1
        bare = value.strip()
        if bare == "null":
            return None
        if len(bare) < 2 or not bare[0] == bare[-1] == '"':
            break
        inner = unquoted(bare)
        if inner == bare:
            break
        value = decode_text(inner)[0] if isinstance(inner, str) else inner
    return None if value == "" else value


_MAX_CACHED: Final = 100
"""Characters of the longest text whose parsed value is cached."""
_MAX_LAYERS: Final = 4

_BEGINNINGS: Final = frozenset('"n \t\r\n')
"""First characters of a JSON string and of null, also after white space."""


def tool_definitions(value: Json) -> list[Json] | None:
    """Return the tools offered to a model: definitions unchanged, bare names as objects."""
    if not isinstance(value, list) or not value:
        return None
    tools: list[Json] = []
    for item in value:
        tool = decode_text(item)[0] if isinstance(item, str) else item
        if isinstance(tool, str) and tool:
            tool = {"name": tool}
        if not isinstance(tool, dict):
            return None
        tools.append(tool)
    return tools


def quoted(parse: Parse) -> Parse:
    """Return ``parse``, which makes texts of texts, for a text that is sent as a JSON string."""
    # Names of kinds and models repeat: looked up in a third of the time.
    parse_short = lru_cache(maxsize=1_000)(lambda value: parse(unquoted(value)))

    def parse_quoted(value: Json) -> Json:
        if type(value) is str and len(value) <= _MAX_CACHED:
            return parse_short(value)
        return parse(unquoted(value))

    return parse_quoted


def value_at(*paths: str, parse: Parse) -> Parse:
    """Return a parser of the value at the first of the dotted ``paths`` that an object has.

    ``0`` is the first item of a list.
    """
    steps = [path.split(".") for path in paths]

    def read(value: Json) -> Json:
        for path in steps:
            part = value
            for name in path:
                if name == "0" and isinstance(part, list):
                    part = part[0] if part else None
                else:
                    part = part.get(name) if isinstance(part, dict) else None
            if part is not None and (parsed := parse(part)) is not None:
                return parsed
        return None

    return read


def words(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return ``{"kind": "word word"}`` inverted, for `choice`."""
    return {word: kind for kind, names in kinds.items() for word in names.split()}


def choice(known: Mapping[str, str]) -> Parse:
    """Return a parser that accepts only these words."""

    def parse(value: Json) -> str | None:
        return known.get(value) if isinstance(value, str) else None

    return parse


def error_if(*failures: Json) -> Parse:
    """Return a parser that returns the level ``error`` for these values, such as True."""

    def parse(value: Json) -> str | None:
        # 1 is not True.
        failed = any(type(value) is type(each) and value == each for each in failures)
        return "error" if failed else None

    return parse


def constant(word: str) -> Parse:
    """Return a parser that returns ``word`` for every value but the empty one."""

    def parse(value: Json) -> str | None:
        return None if value in ("", None) else word

    return parse
