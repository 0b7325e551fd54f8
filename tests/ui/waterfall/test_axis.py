"""The time axis: bars in percent of it, idle time cut short, and its form in the URL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.times import SECOND, START, moment
from tracer.ui.waterfall.axis import Axis, Cut


def test_a_bar_is_at_the_time_of_its_span() -> None:
    bar = Axis(START, moment(100)).bar(moment(25), moment(75), moment(35))
    assert (bar.x, bar.width, bar.first_token) == (25, 50, 20)


def test_a_running_span_reaches_to_the_end() -> None:
    bar = Axis(START, moment(100), running=True).bar(moment(40), None)
    assert (bar.x, bar.width) == (40, 60)


def test_spans_outside_of_the_axis_are_beyond_its_edges() -> None:
    bar = Axis(START, moment(10)).bar(moment(-5), moment(15))
    assert (bar.x, bar.width) == (-50, 200)


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_microsecond_is_not_rounded_away_however_long_the_axis(offset: int, length: int) -> None:
    axis = Axis(START, START + timedelta(microseconds=length))
    start = START + timedelta(microseconds=offset)
    first = axis.bar(start, start)
    second = axis.bar(start + timedelta(microseconds=1), None)
    assert first.x < second.x


@given(
    st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6), st.none() | st.floats(-1e6, 1e6)
)
def test_no_bar_runs_backwards(
    start: float, end: float, length: float, token: float | None
) -> None:
    bar = Axis(START, moment(length)).bar(
        moment(start), moment(end), None if token is None else moment(token)
    )
    assert bar.width >= 0
    assert bar.first_token is None or 0 <= bar.first_token <= 100


def test_idle_time_is_drawn_short() -> None:
    # Ten seconds of work around an idle hour, which is drawn as 0.2 s.
    axis = Axis(START, moment(3610), cuts=(Cut(4 * SECOND, 3604 * SECOND),))
    assert axis.drawn_length == 10.2 * SECOND
    assert axis.percent(moment(2)) == pytest.approx(2 / 10.2 * 100)
    assert axis.percent(moment(3604)) == pytest.approx(4.2 / 10.2 * 100)
    assert axis.percent(moment(1804)) == pytest.approx(4.1 / 10.2 * 100)
    assert axis.percent(moment(3610)) == 100
    # A running trace goes on at the same scale.
    assert axis.percent(moment(3611)) == pytest.approx(11.2 / 10.2 * 100)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    edges = sorted(draw(st.sets(st.integers(0, 10**9), min_size=2, max_size=14)))
    cuts = tuple(Cut(*pair) for pair in zip(edges[1:-1:2], edges[2:-1:2], strict=False))
    return Axis(START, START + timedelta(microseconds=edges[-1]), draw(st.booleans()), cuts)


@given(axes(), st.lists(st.integers(-(10**9), 2 * 10**9), min_size=2))
def test_time_never_runs_backwards_on_an_axis(axis: Axis, offsets: list[int]) -> None:
    times = [START + timedelta(microseconds=offset) for offset in sorted(offsets)]
    places = [axis.percent(time) for time in times]
    assert places == sorted(places)
    assert axis.percent(START) == 0
    assert axis.percent(axis.end) in (0, pytest.approx(100))


@given(axes())
def test_an_axis_is_restored_from_the_url(axis: Axis) -> None:
    assert Axis.parse(str(axis)) == axis


@pytest.mark.parametrize(
    "text",
    [
        *("", "1-2", "a-b-r", "1-2-3-4", f"{10**30}-{10**31}-d", "1-9-d-3", "1-9-d-3.x"),
        *(
            "1-9-d-5.4",
            "1-9-d-2.4-4.6-3.5",
            "1-9-d-2.3.4",
            "1-9-d-3.3",
            "1-9-d" + "".join(f"-{n}.{n + 1}" for n in range(31)),
        ),
    ],
)
def test_an_invalid_axis_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Axis.parse(text)
