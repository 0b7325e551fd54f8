"""Values of attributes that are JSON text: one reader for each way in which senders encode them."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import Json

NULL: Final = msgspec.UNSET
"""In place of a null that was sent as such, where None stands for no value."""

_NAMED: Final[dict[str, Json]] = {"true": True, "false": False, "null": NULL}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST: Final = 90
_MAX_SAFE: Final = 2**53 - 1
"""The greatest integer that JavaScript holds exactly; senders encode greater ones as strings."""


def json_value(value: Json) -> Json:
    """Return what JSON text holds: a number, true, false, one string, or `NULL`.

    Any other text stays as it is; None: the empty text.
    """
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = exact_json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return value
        return None if value == "" else value
    return json_scalar(value)


def json_scalar(value: Json) -> Json:
    """Return likewise a number, true, false or `NULL`, for senders that encode all but strings.

    A text in quotes was sent with them.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return value
    if value == "":
        return None
    return _NAMED[value] if value in _NAMED else _number(value)


def json_float(value: Json) -> Json:
    """Return likewise a number with a fraction or an exponent, for senders that encode only those.

    Any other text was sent as text.
    """
    scalar = json_scalar(value)
    return scalar if isinstance(scalar, float) or not isinstance(value, str) else value or None


def present_json(value: Json) -> Json:
    """Return `json_scalar` of a value; None: also null."""
    scalar = json_scalar(value)
    return None if scalar is NULL else scalar


def _number(text: str) -> Json:
    if not _NUMBER.fullmatch(text):
        return text
    try:
        number = msgspec.json.decode(text, type=int | float)
    except msgspec.MsgspecError:
        return text  # beyond what a float holds
    return number if abs(number) <= _MAX_SAFE or isinstance(number, float) else text
