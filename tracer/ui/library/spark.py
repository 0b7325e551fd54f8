"""The trend lines of prompts: the mean of a score on each day, beside its figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from tracer.store.library.prompt_uses import UseFigures

K = TypeVar("K")

WIDTH: Final = 84
HEIGHT: Final = 20
_MARGIN: Final = 2
_MIN_RANGE: Final = 0.2
"""As a share of the largest value: smaller changes, such as noise, look flat."""


def sparks(figures: Mapping[K, UseFigures], score: str) -> dict[K, str]:
    """Return the path of a score's means by day, for each of the figures, on one scale."""
    trends = {key: each.days.get(score, []) for key, each in figures.items()}
    low, high = _range(trends.values())
    return {key: _path(trend, low, high) for key, trend in trends.items()}


def _range(trends: Iterable[Sequence[float | None]]) -> tuple[float, float]:
    values = [value for trend in trends for value in trend if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    min_range = max(abs(low), abs(high)) * _MIN_RANGE or 1.0
    missing = max(min_range - (high - low), 0.0) / 2
    return low - missing, high + missing


def _path(trend: Sequence[float | None], low: float, high: float) -> str:
    """Return a line through the values of the days that have one; "": fewer than two have."""
    step = WIDTH / max(len(trend) - 1, 1)
    scale = (HEIGHT - 2 * _MARGIN) / ((high - low) or 1.0)
    points = [
        f"{number * step:.1f} {HEIGHT - _MARGIN - (value - low) * scale:.1f}"
        for number, value in enumerate(trend)
        if value is not None
    ]
    return f"M{' L'.join(points)}" if len(points) > 1 else ""
