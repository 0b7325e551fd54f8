"""A number with its change against the time before, and its trend as a small line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.ui.charts.units import Unit, change, shown


@dataclass(frozen=True, slots=True)
class Number:
    """A number tile: the value, how it changed, whether that is worse, and the trend's paths."""

    value: str
    change: str
    worse: bool
    before: str
    url: str
    line: str
    area: str
    points: int
    """The width of the trend: its number of buckets less one."""


def number(
    value: float | None,
    before: float | None,
    trend: Sequence[float | None],
    unit: Unit,
    *,
    url: str = "",
    less_is_better: bool = False,
    more_is_better: bool = False,
) -> Number:
    """Return a number; it is marked as worse where it moved a tenth or more to the worse side."""
    worse = False
    if value is not None and before is not None:
        worse = (less_is_better and value > before * 1.1) or (
            more_is_better and value < before * 0.9
        )
    return Number(
        value=shown(value, unit) or "–",
        change=change(value, before, unit) if value is not None and before is not None else "",
        worse=worse,
        before=shown(before, unit),
        url=url,
        line=(line := _line(trend)),
        area=f"{line}V20H{_first(trend)}Z" if line else "",
        points=max(1, len(trend) - 1),
    )


def _first(trend: Sequence[float | None]) -> int:
    return next(number for number, value in enumerate(trend) if value is not None)


def _line(trend: Sequence[float | None]) -> str:
    known = [(number, value) for number, value in enumerate(trend) if value is not None]
    if len(known) < 2:
        return ""
    most = max(value for _, value in known) or 1
    return "M" + "L".join(f"{number} {19 - 17 * value / most:.1f}" for number, value in known)
