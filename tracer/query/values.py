"""Reads and writes the values of terms: numbers with units, durations, money, times, globs."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tracer.query.fields import Field, Type
from tracer.query.moments import Moment, parse_moment

_NUMBER: Final = r"[+-]?(?:\d{1,15}(?:\.\d{1,12})?|\.\d{1,12})"
_MAX_NUMBER: Final = Decimal(10**15)
"""Exclusive: the digits of smaller numbers are exact."""
_SMALLEST_STEP: Final = Decimal("1e-12")
_MAX_SECONDS: Final = Decimal(10**10)
"""Exclusive, of durations: 317 years."""
_MICROSECOND: Final = Decimal("1e-6")
_SCALED: Final = re.compile(rf"({_NUMBER})([kKmMgGbB]?)")
_DURATION: Final = re.compile(rf"({_NUMBER})(us|µs|ms|s|sec|m|min|h|d)?")
_MONEY: Final = re.compile(rf"\$?({_NUMBER})([kKmM]?)\$?")
_SCALES: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "b": 1_000_000_000}
_SECONDS: Final = {
    "us": Decimal("0.000001"),
    "µs": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "sec": Decimal(1),
    "m": Decimal(60),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_LIKELY_UNITS: Final = {
    Type.DURATION: ("s", "min"),
    Type.NUMBER: ("", "k"),
    Type.MONEY: ("",),
    Type.ANY: ("",),
}
_SHOWN_UNITS: Final = ("d", "h", "min", "s", "ms", "us")
_SPECIAL: Final = re.compile(r'[\s()",\\*<>=]|\.\.')
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

EXPECTED: Final = {
    Type.NUMBER: "a number like 100, 1.5k or 2M",
    Type.DURATION: "a duration like 250ms, 2s, 5min or 1h",
    Type.MONEY: "US dollars like 0.01 or $5",
    Type.TIME: "a time like -24h, today, 2026-11-23 or 2026-11-23T14:00",
    Type.ANY: "a number",
}


def parse_number(text: str, kind: Type) -> Decimal | None:
    """Return a number in the unit of its type (seconds, dollars); None: it is no such number."""
    if kind is Type.DURATION:
        match = _DURATION.fullmatch(text)
        value = Decimal(match[1]) * _SECONDS[match[2] or "s"] if match else None
    else:
        match = (_MONEY if kind is Type.MONEY else _SCALED).fullmatch(text)
        value = Decimal(match[1]) * _SCALES[match[2].lower()] if match else None
    if value is None or abs(value) >= (_MAX_SECONDS if kind is Type.DURATION else _MAX_NUMBER):
        return None
    return _plain(value.quantize(_MICROSECOND if kind is Type.DURATION else _SMALLEST_STEP))


def with_known_unit(text: str, kind: Type) -> list[str]:
    """Return corrections of a number with an unknown unit: ``2s`` and ``2min`` for ``2x``."""
    number = re.match(_NUMBER, text)
    if number is None or kind not in _LIKELY_UNITS:
        return []
    return [number[0] + unit for unit in _LIKELY_UNITS[kind]]


def parse_quantity(text: str, field: Field) -> Decimal | Moment | str | None:
    """Return the value that an ordered field is compared with; None: it does not fit the field."""
    if field.type is Type.TIME:
        return parse_moment(text)
    if field.type is Type.CHOICE:
        return text if text in field.choices else None
    return parse_number(text, field.type)


def glob_parts(bare: str) -> tuple[str, ...]:
    """Return the literal parts of a bare value between its stars, escapes resolved."""
    parts, current, position = [], "", 0
    while position < len(bare):
        character = bare[position]
        if character == "\\" and position + 1 < len(bare):
            position += 1
            current += bare[position]
        elif character == "*":
            parts.append(current)
            current = ""
        else:
            current += character
        position += 1
    return (*parts, current)


def unquoted(quoted: str) -> str:
    """Return the text of a quoted value."""
    return _ESCAPED.sub(r"\1", quoted[1:-1])


def quoted(text: str) -> str:
    """Return the text in quotes, as `unquoted` reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written_text(text: str) -> str:
    """Return a value that means exactly this text: bare if that is possible, else quoted."""
    return quoted(text) if not text or _SPECIAL.search(text) else text


def written_glob(parts: tuple[str, ...]) -> str:
    """Return the glob with these literal parts."""
    return "*".join(re.sub(r'([\s()",\\*<>=.])', _escape, part) for part in parts)


def _escape(match: re.Match[str]) -> str:
    return f"\\{match[1]}" if match[1] != "." or _doubled(match) else "."


def _doubled(match: re.Match[str]) -> bool:
    """Return whether a dot stands beside another one, which would read as a range."""
    before, after = match.start() - 1, match.end()
    return match.string[max(before, 0) : match.start()] == "." or match.string[after:][:1] == "."


def written_number(value: Decimal, kind: Type) -> str:
    """Return the canonical text of a number in the unit of its type."""
    if kind is Type.DURATION:
        return _written_duration(value)
    return _digits(value)


def _written_duration(seconds: Decimal) -> str:
    for unit in _SHOWN_UNITS:
        amount = seconds / _SECONDS[unit]
        if abs(amount) >= 1 and amount == round(amount, 1):
            return _digits(round(amount, 1)) + unit
    return f"{_digits(seconds)}s"


def _digits(value: Decimal) -> str:
    return f"{_plain(value):f}"


def _plain(value: Decimal) -> Decimal:
    """Return the number without trailing zeros; minus zero becomes zero."""
    return value.normalize() + 0 if value else Decimal(0)
