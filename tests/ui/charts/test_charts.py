"""Charts: scales with round numbers, shapes within the chart, descriptions and tables."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.ui.charts.histograms import Bin, heat_map, histogram
from tracer.ui.charts.model import SHADES, Buckets, Mark, Series, coloured
from tracer.ui.charts.numbers import number_tile
from tracer.ui.charts.plots import areas, bars, lines
from tracer.ui.charts.scales import linear, logarithmic
from tracer.ui.charts.tables import Row, table
from tracer.ui.charts.times import TimeAxis, bucket_name, step_name, ticks
from tracer.ui.charts.units import Unit, change, on_axis, shown
from tracer.ui.charts.value_tables import of_bins, of_rows, over_time

START = datetime(2026, 11, 16, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
NUMBERS = st.just(0.0) | st.floats(1e-6, 1e12, allow_nan=False)


def buckets(count: int, step: timedelta = HOUR) -> Buckets:
    starts = [START + number * step for number in range(count)]
    return Buckets(starts, START + count * step, [f"/list/{number}" for number in range(count)])


@pytest.mark.parametrize(
    ("highest", "unit", "labels"),
    [
        (912, Unit.COUNT, ["0", "500", "1k"]),
        (2, Unit.COUNT, ["0", "1", "2"]),
        (33.4, Unit.DOLLARS, ["$0", "$20", "$40"]),
        (0.18, Unit.DOLLARS, ["$0", "$0.1", "$0.2"]),
        (57, Unit.SECONDS, ["0 s", "20 s", "40 s", "1 min"]),
        (7000, Unit.SECONDS, ["0 s", "1 h", "2 h"]),
        (0.31, Unit.SHARE, ["0 %", "20 %", "40 %"]),
        (0, Unit.COUNT, ["0", "1"]),
    ],
)
def test_an_axis_has_few_round_numbers(highest: float, unit: Unit, labels: list[str]) -> None:
    assert [on_axis(value, unit) for value in linear(highest, unit).ticks] == labels


@given(NUMBERS, st.sampled_from(Unit))
def test_a_scale_holds_its_values(highest: float, unit: Unit) -> None:
    scale = linear(highest, unit)
    assert scale.low == 0
    assert scale.high >= highest * (1 - 1e-9)
    assert 2 <= len(scale.ticks) <= 6
    assert 0 <= scale.position(highest) <= 100
    if unit is Unit.COUNT:
        assert all(value == int(value) for value in scale.ticks)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1))
def test_a_log_scale_begins_and_ends_at_powers_of_ten(values: list[float]) -> None:
    scale = logarithmic(values)
    assert scale.low <= min(values) * (1 + 1e-6)
    assert max(values) <= scale.high * (1 + 1e-6)
    assert all(math.log10(tick) == pytest.approx(round(math.log10(tick))) for tick in scale.ticks)
    positions = [scale.position(value) for value in sorted(values)]
    assert positions == sorted(positions)


def test_lines_that_span_decades_are_drawn_on_a_log_scale() -> None:
    near = lines(buckets(2), [Series("p50", [1, 2])], Unit.SECONDS)
    far = lines(buckets(2), [Series("p50", [0.2, 1]), Series("p99", [20, 48])], Unit.SECONDS)
    assert (near.log, far.log) == (False, True)
    assert [tick.label for tick in far.y_ticks] == ["0.1 s", "1 s", "10 s", "100 s"]
    assert not lines(buckets(2), [Series("a", [0.2, 48])], Unit.SECONDS, log=False).log


def test_a_line_has_gaps_where_buckets_have_no_value() -> None:
    drawn = lines(buckets(5), [Series("p50", [1, 2, None, 3, None])], Unit.NUMBER)
    assert [line.path.count("L") for line in drawn.lines] == [1, 0]
    assert "h" in drawn.lines[1].path


def test_bars_are_stacked_and_each_is_a_link() -> None:
    series = [
        Series("error", [1, 0], 1, urls=["/e/0", "/e/1"], css="bad"),
        Series("completed", [3, 4], 7, urls=["/c/0", "/c/1"]),
    ]
    drawn = bars(buckets(2), series, Unit.COUNT)
    assert [(bar.css, bar.url) for bar in drawn.bars] == [
        ("bad", "/e/0"),
        ("s1", "/c/0"),
        ("s1", "/c/1"),
    ]
    first, second, alone = drawn.bars
    assert first.y == pytest.approx(second.y + second.height, abs=0.02)
    assert alone.height == pytest.approx(first.height + second.height, abs=0.02)
    assert [hit.url for hit in drawn.hits] == ["/list/0", "/list/1"]
    assert drawn.hits[0].title == "Mon 16 Nov 14:00: error 1, completed 3"
    assert [(key.label, key.value) for key in drawn.key] == [("error", "1"), ("completed", "7")]


@given(st.lists(st.lists(NUMBERS, min_size=6, max_size=6), min_size=1, max_size=9))
def test_shapes_stay_within_the_chart(rows: list[list[float]]) -> None:
    series = [Series(str(number), values) for number, values in enumerate(rows)]
    for bar in bars(buckets(6), series, Unit.NUMBER).bars:
        assert -1 <= bar.y <= bar.y + bar.height <= 101
        assert 0 <= bar.x <= bar.x + bar.width <= 100.1
    drawn = areas(buckets(6), series, Unit.NUMBER)
    assert len(drawn.lines) == len(series)
    assert all(line.filled and line.path.endswith("Z") for line in drawn.lines)


def test_releases_are_marks_within_the_time_of_the_chart() -> None:
    marks = [Mark(START + 3 * HOUR, "v2", "/v2"), Mark(START - HOUR, "v1"), Mark(START, "v0")]
    drawn = bars(buckets(4), [Series("a", [1, 2, 3, 4])], Unit.COUNT, marks)
    places = [(tick.label, tick.position, tick.anchor, url) for tick, url in drawn.marks]
    assert places == [("v2", 75, "start", "/v2"), ("v0", 0, "start", "")]
    near = [Mark(START + hours * HOUR, f"v{hours}") for hours in (3.5, 3.9)]
    drawn = bars(buckets(4), [Series("a", [1, 2, 3, 4])], Unit.COUNT, near)
    places = [(tick.label, tick.position, tick.anchor) for tick, _ in drawn.marks]
    # No line crosses a name: the second has no room on either side.
    assert places == [("", 97.5, "start"), ("v3.5", 87.5, "end")]


def test_series_have_colours_of_their_own() -> None:
    series = coloured([Series(str(number), [], css="" if number else "bad") for number in range(5)])
    assert [line.css for line in series] == ["bad", *SHADES[:4]]


def test_a_chart_is_described_in_words() -> None:
    drawn = lines(
        buckets(2), [Series("p95", [9.4, 12], 9.4), Series("p99", [None] * 2)], Unit.SECONDS
    )
    assert drawn.description == (
        "Per hour from Mon 16 Nov 14:00. p95: 9.40 s in total, highest 12.0 s on Mon 16 Nov 15:00. "
        "p99: no values."
    )


def test_a_histogram_marks_the_value_that_a_reader_came_from() -> None:
    bounds = [0.1 * 2**number for number in range(11)]
    bins = [Bin(low, high, 3, "/bin") for low, high in pairwise(bounds)]
    drawn = histogram(bins, Unit.SECONDS, "traces", marked=1.6)
    assert [tick.label for tick in drawn.x_ticks] == ["0.1 s", "1 s", "10 s", "100 s"]
    assert [tick.label for tick, _ in drawn.marks] == ["this one: 1.60 s"]
    assert drawn.marks[0][0].position == pytest.approx(40)
    assert drawn.log
    narrow = histogram(bins[:5], Unit.SECONDS, "traces")
    assert [tick.label for tick in narrow.x_ticks] == ["0.1 s", "0.2 s", "0.5 s", "1 s", "2 s"]
    with_zero = histogram([Bin(0, 0, 2, "/zero"), *bins], Unit.SECONDS, "traces")
    assert with_zero.hits[0].title == "0 ms: 2 traces"
    assert of_bins(bins, Unit.SECONDS, "traces").rows[0].label == "100 ms to 200 ms"


def test_a_heat_map_has_a_cell_for_each_count() -> None:
    rows = [Bin(1, 2, 0), Bin(2, 4, 0)]
    urls = [["/a", "/b"], ["/c", "/d"]]
    drawn = heat_map(buckets(2), rows, [[0, 1], [40, 0]], urls, Unit.SECONDS)
    assert [(bar.x, bar.y, bar.url, bar.css) for bar in drawn.bars] == [
        (0, 0, "/b", "h1"),
        (50, 50, "/c", "h5"),
    ]
    assert drawn.bars[1].title == "Mon 16 Nov 15:00, 1.00 s to 2.00 s: 40"


@pytest.mark.parametrize(
    ("now", "before", "unit", "text"),
    [
        (106.1, 100, Unit.COUNT, "+6.1 %"),
        (0.024, 0.015, Unit.SHARE, "+0.9 pt"),
        (9.4, 8.2, Unit.SECONDS, "+1.20 s"),
        (97, 100, Unit.DOLLARS, "−3.0 %"),
        (5, 0, Unit.COUNT, "+5"),
        (400, 100, Unit.COUNT, "+300 %"),
    ],
)
def test_a_number_is_compared_with_the_time_before(
    now: float, before: float, unit: Unit, text: str
) -> None:
    assert change(now, before, unit) == text


def test_only_what_is_worse_is_marked_as_worse() -> None:
    assert number_tile(3, 2, [1, 2], Unit.COUNT, less_is_better=True).worse
    assert not number_tile(3, 2, [1, 2], Unit.COUNT).worse
    assert not number_tile(2.1, 2, [1, 2], Unit.COUNT, less_is_better=True).worse
    assert number_tile(1, 2, [1, None], Unit.COUNT, more_is_better=True).worse
    empty = number_tile(None, None, [], Unit.COUNT)
    assert (empty.value, empty.change, empty.line) == ("–", "", "")


@pytest.mark.parametrize(
    ("hours", "labels"),
    [
        (1, ["14:00", "14:10", "14:20", "14:30", "14:40", "14:50"]),
        (24, ["18:00", "Tue 17", "06:00", "12:00"]),
        (7 * 24, ["Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22", "Mon 23"]),
        (30 * 24, ["23 Nov", "30 Nov", "7 Dec", "14 Dec"]),
    ],
)
def test_the_time_axis_has_labels_at_round_times(hours: int, labels: list[str]) -> None:
    axis = TimeAxis(START, START + hours * HOUR)
    assert [tick.label for tick in ticks(axis)] == labels


def test_buckets_are_named_by_their_start() -> None:
    assert bucket_name(START, HOUR) == "Mon 16 Nov 14:00"
    assert bucket_name(START, 24 * HOUR) == "Mon 16 Nov"
    assert [step_name(HOUR), step_name(6 * HOUR), step_name(168 * HOUR)] == [
        "hour",
        "6 hours",
        "week",
    ]


def test_a_table_compares_its_rows() -> None:
    columns = [("p50", Unit.SECONDS), ("Traces", Unit.COUNT)]
    rows = [Row("a", [2.0, 7], "/a", ["/a/p50", "/a"]), Row("b", [1.0, None], "/b")]
    drawn = table("Name", columns, rows)
    assert [row.share for row in drawn.rows] == [100, 50]
    assert [[cell.text for cell in row.cells] for row in drawn.rows] == [
        ["2.00 s", "7"],
        ["1.00 s", ""],
    ]
    assert of_rows("Name", columns, rows).csv().splitlines()[1] == '"a",2.0,7'


def test_the_value_table_of_a_chart_has_every_value_and_is_safe_in_a_spreadsheet() -> None:
    table = over_time(buckets(2), [Series("=cmd()", [0.5, None], urls=["/a", "/b"])], Unit.SECONDS)
    assert [(row.label, table.texts(row)) for row in table.rows] == [
        ("Mon 16 Nov 14:00", [("500 ms", "/a")]),
        ("Mon 16 Nov 15:00", [("", "/b")]),
    ]
    assert list(csv.reader(io.StringIO(table.csv()))) == [
        ["Start", "'=cmd() (seconds)"],
        ["2026-11-16T14:00:00.000000Z", "0.5"],
        ["2026-11-16T15:00:00.000000Z", ""],
    ]


def test_numbers_have_the_digits_of_the_lists() -> None:
    assert [shown(value, Unit.NUMBER) for value in (0.8333, 44.899, 321.4, 12345.6)] == [
        "0.833",
        "44.9",
        "321",
        "12.3k",
    ]
    assert [shown(value, Unit.SHARE) for value in (0, 0.0004, 0.024, 1)] == [
        "0 %",
        "<0.1 %",
        "2.4 %",
        "100 %",
    ]
