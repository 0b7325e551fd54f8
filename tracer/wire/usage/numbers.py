"""Reads numbers: counts of tokens and amounts of money, also sent as text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from tracer.records import Json

# Sums of counts must fit PostgreSQL's bigint; real token counts are far smaller.
MAX_COUNT: Final = 2**53
_MAX_DIGITS: Final = 100
"""Python limits the digits of integers that it parses; no count has more digits."""
_TOO_LARGE: Final = 1e30


def count(value: Json) -> int | None:
    """Return a whole number that is not negative, also from text; None: the value is none."""
    if type(value) is str and len(value) < _MAX_DIGITS and value.isdecimal():
        value = int(value)
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    number = amount(value)
    if number is None or number > MAX_COUNT or number != number.to_integral_value():
        return None
    return int(number)


def amount(value: Json) -> Decimal | None:
    """Return a finite number that is not negative, exactly as written; None: the value is none.

    A decimal is returned unchanged.
    """
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value) if value >= 0 else None
    if type(value) is float:
        # Faster by half than the check of the decimal; a NaN is in no range.
        return Decimal(repr(value)) if 0 <= value < _TOO_LARGE else None
    if not isinstance(value, (float, str)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 and number.adjusted() < 30 else None


def count_or_object(value: Json) -> Json:
    """Return a count, or a non-empty object or list that may hold counts."""
    if type(value) is int:
        return value if 0 <= value <= MAX_COUNT else None
    if isinstance(value, (dict, list)):
        return value or None
    return count(value)


def leaves(sent: Mapping[str, Json]) -> dict[str, Json]:
    """Return the innermost values except nulls by their dotted names.

    Lists of counts by kind (Gemini's ``[{"modality": "AUDIO", "tokenCount": 9}]``, Bedrock's
    ``[{"ttl": "1h", "inputTokens": 9}]``) are read as objects by kind.
    """
    values: dict[str, Json] = {}
    _gather(values, sent, "")
    return values


def _gather(values: dict[str, Json], sent: Mapping[str, Json], within: str) -> None:
    for name, value in sent.items():
        if type(value) is int:
            values[within + name] = value
            continue
        if isinstance(value, list):
            value = _by_kind(value) or value
        if isinstance(value, dict):
            _gather(values, value, f"{within}{name}.")
        elif value is not None:
            values[within + name] = value


def _by_kind(items: list[Json]) -> dict[str, Json] | None:
    """Return the sums of counts by kind; None: the items are no counts by kind."""
    sums: dict[str, Json] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        kind = item.get("modality") or item.get("ttl")
        numbers = [count(value) for value in item.values() if value != kind]
        if not isinstance(kind, str) or len(numbers) != 1 or numbers[0] is None:
            return None
        # Python writes a member of an enum as MediaModality.AUDIO.
        kind = kind.rpartition(".")[2].lower()
        sums[kind] = sums.get(kind, 0) + numbers[0]
    return sums
