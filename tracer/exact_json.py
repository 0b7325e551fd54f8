"""JSON whose numbers keep all sent digits, also where a float would round them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite
from typing import Any, Final, Literal

import msgspec

# Up to this length a number has at most 15 digits, which a float can represent.
_SAFE_LENGTH: Final = 16
_MAX_LENGTH: Final = 1_000
_MAX_EXPONENT: Final = 10_000
"""PostgreSQL's numbers have up to 16,383 digits after the point."""
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]")
NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of NUL in a JSON text, which PostgreSQL can't hold; not one that is itself escaped."""


# Replaced at each number too small for a float, in any thread: cheaper than a thread-local value.
_last_tiny = object()


class SentNumber(float):
    """A number with more digits than a float has, or too small for a float, with its sent text."""

    __slots__ = ("text",)
    text: str

    def __repr__(self) -> str:
        return self.text


def read_number(text: str) -> float:
    """Return the number of a JSON text, as a SentNumber where a float would change its value.

    Raises ValueError for a number that is too large for a float.
    """
    global _last_tiny
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    if (len(text) <= _SAFE_LENGTH and value) or repr(value) == text:
        return value
    sent = Decimal(text)
    if sent == Decimal(repr(value)):
        return value
    if len(text) > _MAX_LENGTH or abs(sent.adjusted()) > _MAX_EXPONENT:
        return value
    number = SentNumber(value)
    number.text = text
    if not value:
        _last_tiny = object()
    return number


def encode_other(value: Any) -> Any:
    """Return what an encoder writes for a SentNumber: the hook of msgspec's encoders."""
    if isinstance(value, SentNumber):
        return msgspec.Raw(value.text.encode())
    raise NotImplementedError(f"{type(value).__name__} is no JSON value")


def with_floats(value: Any) -> Any:
    """Return a JSON value with plain floats, for calculations."""
    if isinstance(value, SentNumber):
        return float(value)
    if isinstance(value, list):
        return [with_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: with_floats(item) for name, item in value.items()}
    return value


def encoder(
    order: Literal["deterministic", "sorted"] | None = None,
    decimal_format: Literal["string", "number"] = "string",
) -> msgspec.json.Encoder:
    """Return an encoder that writes numbers as they were sent."""
    return msgspec.json.Encoder(enc_hook=encode_other, order=order, decimal_format=decimal_format)


_decode: Final = msgspec.json.Decoder(float_hook=read_number).decode


def decode(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises msgspec.DecodeError, also if it is nested too deeply.

    Raises UnicodeError for text with lone surrogates.
    """
    try:
        return _decode(text)
    except RecursionError:
        raise msgspec.DecodeError("JSON is nested too deeply") from None


def decode_noting_tiny(text: str) -> tuple[Any, bool]:
    """Return the value of a JSON text, and whether a number in it may be too small for a float.

    Raises msgspec.MsgspecError, UnicodeError and RecursionError.
    """
    previous = _last_tiny
    return _decode(text), _last_tiny is not previous


_encoder: Final = encoder()
encode: Final = _encoder.encode
encode_lines: Final = _encoder.encode_lines
encode_deterministic: Final = encoder("deterministic").encode
encode_sorted: Final = encoder("sorted").encode


def to_text(value: Any) -> str | None:
    """Return a text or None unchanged, and any other value as JSON text."""
    if value is None or isinstance(value, str):
        return value
    return encode(value).decode()


def to_indented_text(value: Any) -> str:
    """Return a text unchanged, and any other value as indented JSON text."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(encode(value), indent=2).decode()


def encode_ascii(value: Any) -> str:
    """Return JSON text in ASCII, as ``json.dumps`` does.

    Searches compare stored texts in this form.
    """
    try:
        text = encode(value).decode()
    except (OverflowError, UnicodeEncodeError):
        # An integer of more than 64 bits, or a lone surrogate.
        return json.dumps(value)
    return _BEYOND_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text)
