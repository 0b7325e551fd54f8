"""The time axis: bars in percent, ticks at round times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui.timeline import Axis

START = datetime(2026, 11, 23, 14, 2, 11, 204_000, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_bar_lies_where_its_span_was() -> None:
    bar = Axis(START, at(100)).bar(at(25), at(75), at(35))
    assert (bar.x, bar.width, bar.first_token, bar.clamped) == (25, 50, 20, False)


def test_a_running_span_reaches_to_the_end() -> None:
    bar = Axis(START, at(100), running=True).bar(at(40), None)
    assert (bar.x, bar.width) == (40, 60)


@given(
    st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6), st.none() | st.floats(-1e6, 1e6)
)
def test_no_bar_leaves_the_axis(
    start: float, end: float, length: float, token: float | None
) -> None:
    axis = Axis(START, at(length))
    bar = axis.bar(at(start), at(end), None if token is None else at(token))
    assert 0 <= bar.x <= 100
    assert 0 <= bar.x + bar.width <= 100.01
    assert bar.first_token is None or 0 <= bar.first_token <= 100


def test_a_span_outside_of_the_traces_time_is_marked() -> None:
    assert Axis(START, at(10)).bar(at(-5), at(3)).clamped


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (0.3, ["0", "100 ms", "200 ms", "300 ms"]),
        (1.2, ["0", "500 ms", "1 s", "1.20 s"]),
        (94, ["0", "20 s", "40 s", "60 s", "80 s", "94.0 s"]),
        (600, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (90_000, ["0", "6 h", "12 h", "18 h", "25.0 h"]),
    ],
)
def test_ticks_are_round_and_the_last_is_the_whole(length: float, labels: list[str]) -> None:
    assert [tick.label for tick in Axis(START, at(length)).ticks()] == labels


@given(st.floats(0, 1e9))
def test_there_are_few_ticks_however_long_the_trace(length: float) -> None:
    ticks = Axis(START, at(length)).ticks()
    assert 2 <= len(ticks) <= 7
    assert [tick.x for tick in ticks] == sorted({tick.x for tick in ticks})


def test_a_running_trace_ends_now() -> None:
    assert Axis(START, at(5), running=True).ticks()[-1].label == "now"


def test_an_axis_travels_in_an_address() -> None:
    axis = Axis(START, at(94.123456), running=True)
    assert Axis.parse(str(axis)) == axis


@pytest.mark.parametrize("text", ["", "1-2", "a-b-r", "1-2-3-4", f"{10**30}-{10**31}-d"])
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Axis.parse(text)
