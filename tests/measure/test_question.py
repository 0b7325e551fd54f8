"""Questions are read from JSON and written as JSON; errors name the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.measure.questions import questions
from tracer.errors import Invalid
from tracer.measure.buckets import MAX_INTERVALS, bar_width, frame_of
from tracer.measure.question import Question, read_question, write_question
from tracer.query.moments import Clock, parse_moment

NOW = datetime(2026, 11, 23, 14, 7, 33, 5, tzinfo=UTC)
CLOCK = Clock(NOW)


@settings(max_examples=200, deadline=None)
@given(questions())
def test_a_question_written_and_read_again_is_the_same(question: Question) -> None:
    text = msgspec.json.encode(write_question(question))
    assert read_question(msgspec.json.decode(text)) == question


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"measure": "guess"}, "measure: invalid enum value 'guess'"),
        ({"buckets": "many"}, "buckets: expected a whole number, got text"),
        ({"buckets": 121}, "buckets: expected a whole number <= 120"),
        ({"group_by": ["name", 3]}, "group_by[1]: expected text, got a whole number"),
        ({"groups": []}, "question: object contains unknown field `groups`"),
        ({"group_by": ["nam"]}, "group_by[0]: traces have no field 'nam'; did you mean name?"),
        ({"group_by": ["metadata"]}, "group_by[0]: metadata needs a key, as in metadata.plan"),
        ({"group_by": ["name.x"]}, "group_by[0]: name has no keys"),
        ({"group_by": ["name", "name"]}, "group_by: names a field twice"),
        ({"group_by": ["latency"]}, "group_by[0]: rows can't be grouped by latency"),
        ({"group_by": ["token_type"]}, "group_by: token_type groups sums of tokens alone"),
        ({"measure": "sum"}, "field: a sum needs the field that it is of"),
        ({"measure": "sum", "field": "name"}, "field: name is no number; numbers of traces are"),
        ({"measure": "distinct"}, "field: a distinct needs"),
        ({"measure": "ratio"}, "part: a ratio needs the query"),
        ({"measure": "ratio", "over": "tokens"}, "field: a ratio needs the field that it is of"),
        ({"measure": "ratio", "field": "cost", "over": "nam"}, "over: traces have no field 'nam'"),
        (
            {"measure": "ratio", "field": "cost", "over": "tokens", "part": "name:a"},
            "part: a ratio of sums is of the same rows",
        ),
        ({"query": "status:eror"}, "query: query, character 8"),
        ({"since": "soon"}, "since: expected a time like -24h"),
        ({"shape": "heat_map", "field": "latency"}, "buckets: a heat map needs at least one"),
        ({"shape": "histogram"}, "field: a histogram needs the field"),
        (3, "question: expected"),
    ],
)
def test_an_error_names_the_field(value: Any, message: str) -> None:
    with pytest.raises(Invalid) as error:
        read_question(value)
    assert message in str(error.value)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["-7m", "-1h", "-24h", "-7d", "-30d", "-52w"]), st.integers(0, 120))
def test_the_intervals_of_a_range_cover_it_without_gaps(since: str, buckets: int) -> None:
    moments = (parse_moment(since), parse_moment("now"))
    zone = ZoneInfo("Europe/Berlin")
    frame = frame_of(moments, buckets, Clock(NOW, zone), None)  # type: ignore[arg-type]
    assert frame.since <= NOW <= frame.until
    assert len(frame.starts) <= MAX_INTERVALS
    assert frame.since.microsecond == 0
    if not buckets:
        return
    ends = [frame.interval(index)[1] for index in range(len(frame.starts))]
    assert [frame.since, *ends[:-1]] == list(frame.starts)
    assert ends[-1] == frame.until
    assert frame.previous.until == frame.since
    assert len(frame.previous.starts) == len(frame.starts)


def test_days_begin_at_midnight_of_the_reader() -> None:
    moments = (parse_moment("-30d"), parse_moment("now"))
    clock = Clock(NOW, ZoneInfo("Asia/Kolkata"))
    frame = frame_of(moments, 31, clock, None)  # type: ignore[arg-type]
    assert frame.width == timedelta(days=1)
    assert frame.starts[1].astimezone(clock.zone).strftime("%H:%M") == "00:00"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_begin_at_midnight_also_where_clocks_change(day: str, hours: int) -> None:
    now = datetime.fromisoformat(f"{day}T18:00:00+00:00") + timedelta(days=2)
    clock = Clock(now, ZoneInfo("Europe/Berlin"))
    moments = (parse_moment("-7d"), parse_moment("now"))
    frame = frame_of(moments, 8, clock, None)  # type: ignore[arg-type]
    starts = [start.astimezone(clock.zone).isoformat() for start in frame.starts]
    assert {start[11:16] for start in starts} == {"00:00"}
    (changed,) = [index for index, start in enumerate(starts) if start.startswith(day)]
    start, end = frame.interval(changed)
    assert end - start == timedelta(hours=hours)
    assert not frame.even
    assert (frame.index(start), frame.index(end)) == (changed, changed + 1)
    assert frame.index(end - timedelta(microseconds=1)) == changed


def test_a_date_as_the_end_belongs_to_the_range() -> None:
    moments = (parse_moment("2026-11-20"), parse_moment("2026-11-21"))
    frame = frame_of(moments, 0, CLOCK, None)  # type: ignore[arg-type]
    assert frame.until - frame.since == timedelta(days=2)


def test_an_empty_range_is_refused() -> None:
    moments = (parse_moment("now"), parse_moment("-1h"))
    with pytest.raises(Invalid, match="since: the range of time ends before it starts"):
        frame_of(moments, 0, CLOCK, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(1, timedelta(minutes=1)), (24, timedelta(minutes=30)), (24 * 7, timedelta(hours=3))],
)
def test_the_width_of_an_interval_is_a_round_time(hours: int, expected: timedelta) -> None:
    assert bar_width(timedelta(hours=hours), 60) == expected
