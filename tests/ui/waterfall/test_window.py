"""The visible part of the time axis: all of it or a zoom, with round ticks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.times import SECOND, START, moment
from tracer.ui.waterfall.axis import Axis, Cut
from tracer.ui.waterfall.window import Window, Zoom


def window(length: float, zoom: Zoom | None = None, *, running: bool = False) -> Window:
    axis = Axis(START, moment(length), running)
    return Window(axis, axis, zoom)


def labels(shown: Window) -> list[str]:
    return [tick.label for tick in shown.ticks()]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0.3, ["0", "100 ms", "200 ms", "300 ms"]),
        (1.2, ["0", "500 ms", "1 s", "1.20 s"]),
        (94, ["0", "20 s", "40 s", "60 s", "80 s", "94.0 s"]),
        (600, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (90_000, ["0", "6 h", "12 h", "18 h", "25.0 h"]),
    ],
)
def test_ticks_are_round_and_the_last_is_the_whole(length: float, expected: list[str]) -> None:
    assert labels(window(length)) == expected


def test_ticks_of_a_zoom_show_the_time_of_the_trace() -> None:
    shown = window(94, Zoom(moment(71.2), moment(71.3)))
    assert labels(shown) == ["71.2 s", "71.22 s", "71.24 s", "71.26 s", "71.28 s", "71.3 s"]
    assert [tick.x for tick in shown.ticks()] == [0, 20, 40, 60, 80, 100]
    assert shown.clipped == ("71.2 s", "71.3 s")


@given(st.floats(0, 1e9), st.floats(0, 1), st.floats(0, 1))
def test_there_are_few_ticks_for_any_length_and_zoom(length: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    for zoom in (None, Zoom(moment(length * low), moment(length * high))):
        ticks = window(length, zoom).ticks()
        assert 1 <= len(ticks) <= 7
        assert [tick.x for tick in ticks] == sorted({tick.x for tick in ticks})


def test_a_running_trace_ends_now() -> None:
    assert labels(window(5, running=True))[-1] == "now"
    assert labels(window(5, Zoom(moment(2), None), running=True))[-1] == "now"
    assert labels(window(5, Zoom(moment(2), moment(3)), running=True))[-1] == "3.00 s"


def test_a_zoom_changes_two_style_properties_of_the_rows() -> None:
    # A quarter of the axis, from its half on: four times as large.
    assert window(100, Zoom(moment(50), moment(75))).style.startswith("--o:50;--z:4;--tick:20.000;")


def test_rows_keep_their_axis_while_the_trace_goes_on() -> None:
    base = Axis(START, moment(10), running=True)
    shown = Window(base, replace(base, end=moment(40)))
    assert shown.style.startswith("--o:0;--z:0.25;")
    # One that turned out to begin earlier, too.
    shown = Window(base, replace(base, start=moment(-10)))
    assert shown.style.startswith("--o:-100;--z:0.5;")


def test_the_grid_is_aligned_with_the_ticks() -> None:
    shown = window(94, Zoom(moment(15), moment(65)))
    parts = dict(part.split(":") for part in shown.style.split(";"))
    first = shown.ticks()[0]
    assert (first.label, first.x) == ("20 s", 10)
    assert (float(parts["--phase"]), float(parts["--tick"])) == (10, 20)


@pytest.mark.parametrize("zoom", [Zoom(moment(50), moment(60)), Zoom(moment(-9), moment(-5))])
def test_a_zoom_outside_of_the_trace_shows_all_of_it(zoom: Zoom) -> None:
    assert window(10, zoom).clipped is None
    assert window(10, zoom).style.startswith("--o:0;--z:1;")


def test_a_zoom_is_kept_within_the_trace() -> None:
    assert window(10, Zoom(moment(-5), moment(5))).clipped == ("0 ms", "5.00 s")


def test_idle_time_has_no_ticks_and_shows_its_length() -> None:
    axis = Axis(START, moment(3610), cuts=(Cut(4 * SECOND, 3604 * SECOND),))
    shown = Window(axis, axis)
    [idle] = shown.idle()
    assert idle.length == timedelta(hours=1)
    assert (idle.x, idle.width) == (pytest.approx(39.216), pytest.approx(1.961))
    texts = labels(shown)
    assert texts[0] == "0"
    assert texts[-1] == "60 min"
    assert all(0 <= tick.x <= idle.x or tick.x >= idle.x + idle.width for tick in shown.ticks())
    assert "--tick" not in shown.style
    assert Window(axis, axis, Zoom(moment(0), moment(3))).idle() == []


def test_a_zoom_to_a_span_has_a_margin() -> None:
    assert Zoom.around(moment(10), moment(20)) == Zoom(moment(9.5), moment(20.5))
    assert Zoom.around(moment(10), None) == Zoom(moment(10), None)
    instant = Zoom.around(moment(10), moment(10))
    assert instant.end is not None
    assert instant.end > instant.start


@pytest.mark.parametrize("zoom", [Zoom(moment(1), moment(2)), Zoom(moment(1), None)])
def test_a_zoom_is_restored_from_the_url(zoom: Zoom) -> None:
    assert Zoom.parse(str(zoom)) == zoom


@pytest.mark.parametrize("text", ["", "1", "-", "2-1", "1-1", "a-b", "1-2-3", f"1-{10**30}"])
def test_an_invalid_zoom_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Zoom.parse(text)
