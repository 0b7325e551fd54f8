"""Reads and validates exported values, which are JSON text."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from tracer import exact_json
from tracer.export.names import MARK, PREFIX
from tracer.records import Json
from tracer.wire.clean import MAX_DEPTH, clean, deeper_than
from tracer.wire.dialects.parsers import MAX_MICROS
from tracer.wire.spans.raw import Bad

S = TypeVar("S", bound=msgspec.Struct)

Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Micros = Annotated[int, Meta(ge=-(10**15), le=MAX_MICROS)]
Word = Annotated[str, Meta(max_length=100)]

# Each stored value is within the limit; an object of several is a little deeper.
_MOST_DEPTH: Final = MAX_DEPTH + 4
_ANY_LENGTH: Final = 1 << 40


def decode(name: str, text: Json) -> Json:
    """Return the value of JSON text, storable. Raises Bad."""
    if not isinstance(text, str):
        raise Bad(PREFIX + name, "expected JSON as text")
    try:
        value = exact_json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Bad(PREFIX + name, f"expected JSON: {error}") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and deeper_than(_MOST_DEPTH, value):
        raise Bad(PREFIX + name, f"nested deeper than {MAX_DEPTH} levels")
    return clean(value, max_bytes=_ANY_LENGTH)[0] if "\\u0000" in text else value


def convert(value: Json, kind: type[S]) -> S:
    """Return the value as a Struct. Raises Bad that names the field."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Bad(MARK, str(error.__cause__ or error)) from None


def metadata_keys(path: str) -> tuple[list[str], bool]:
    """Return the keys of a path in metadata, and whether the path is of an empty object.

    Keys are separated by slashes and escaped as in RFC 6901; a path to an object ends in ``/~``.
    """
    keys = path.removesuffix("/~").split("/")
    return [key.replace("~1", "/").replace("~0", "~") for key in keys], path.endswith("/~")
