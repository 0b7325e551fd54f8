"""Units of charts: values as texts, as the lists show them, and shorter ones for axes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tracer.ui.render import format


class Unit(StrEnum):
    """What the values of a chart are."""

    COUNT = "count"
    SECONDS = "seconds"
    DOLLARS = "dollars"
    SHARE = "share"
    """A part of a whole, 0 to 1."""
    NUMBER = "number"


def shown(value: float | Decimal | None, unit: Unit) -> str:
    """Return a value as the lists show it; "" for an unknown one."""
    return "" if value is None else _SHOWN[unit](value)


def on_axis(value: float, unit: Unit) -> str:
    """Return a round number without digits that it does not need: ``30 s``, ``$18``, ``4M``."""
    if unit is Unit.SECONDS:
        return _round_duration(value)
    if unit is Unit.DOLLARS:
        return _round_money(value)
    if unit is Unit.SHARE:
        return f"{value * 100:g} %"
    for limit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{name}"
    return f"{value:g}"


def change(now: float, before: float, unit: Unit) -> str:
    """Return how a value differs from an earlier one: ``+6.1 %``, ``+0.9 pt``, ``+1.20 s``."""
    difference = now - before
    sign = "−" if difference < 0 else "+"
    size = abs(difference)
    if unit is Unit.SHARE:
        return f"{sign}{size * 100:.1f} pt"
    if unit is Unit.SECONDS:
        return f"{sign}{shown(size, unit)}"
    if not before:
        return f"{sign}{shown(size, unit)}"
    return f"{sign}{_percent(size / abs(before))}"


def _percent(part: float) -> str:
    percent = part * 100
    return f"{percent:,.0f} %" if percent >= 99.95 else f"{percent:.1f} %"


def _count(value: float | Decimal) -> str:
    return format.count(round(value)) if value == round(value) else _number(value)


def _seconds(value: float | Decimal) -> str:
    return format.duration(timedelta(seconds=float(value)))


def _dollars(value: float | Decimal) -> str:
    return format.money(Decimal(value))


def _share(value: float | Decimal) -> str:
    percent = float(value) * 100
    if 0 < percent < 0.1:
        return "<0.1 %"
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def _number(value: float | Decimal) -> str:
    if not -999.5 < value < 999.5:
        return format.count(round(value))
    return f"{value:.0f}" if not -99.95 < value < 99.95 else f"{float(value):.3g}"


_SHOWN: Final[dict[Unit, Callable[[float | Decimal], str]]] = {
    Unit.COUNT: _count,
    Unit.SECONDS: _seconds,
    Unit.DOLLARS: _dollars,
    Unit.SHARE: _share,
    Unit.NUMBER: _number,
}


def _round_duration(value: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= size and not value % size:
            return f"{value / size:g} {name}"
    if value and value < 0.001:
        return f"{value * 1e6:g} µs"
    return f"{value * 1000:g} ms" if value and value < 0.1 else f"{value:g} s"


def _round_money(value: float) -> str:
    if value >= 1000:
        return f"${value / 1000:g}k"
    return f"${Decimal(repr(value)).normalize():f}" if value else "$0"
