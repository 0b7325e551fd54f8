"""Trend lines of prompts: one scale for all lines of a table, gaps left out."""

from __future__ import annotations

from tracer.store.library.prompt_uses import UseFigures
from tracer.ui.library.spark import sparks


def figures(*days: float | None) -> UseFigures:
    return UseFigures(1, 0, None, None, None, None, days={"good": list(days)})


def test_lines_share_a_scale_and_leave_out_days_without_scores() -> None:
    lines = sparks({1: figures(0.0, None, 1.0), 2: figures(0.5, 0.5, 0.5)}, "good")
    assert lines == {1: "M0.0 18.0 L84.0 2.0", 2: "M0.0 10.0 L42.0 10.0 L84.0 10.0"}


def test_a_small_change_looks_small() -> None:
    assert sparks({1: figures(0.81, 0.82)}, "good") == {1: "M0.0 10.5 L84.0 9.5"}


def test_a_single_day_is_no_line() -> None:
    assert sparks({1: figures(None, 0.5), 2: figures()}, "good") == {1: "", 2: ""}
    assert sparks({1: figures(0.5)}, "bad") == {1: ""}
