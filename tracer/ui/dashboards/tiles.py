"""A tile as its template shows it: the chart, a table of its values, and their source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tracer.dashboards.document import Tile
from tracer.dashboards.tile_questions import Frame, column_question, question_of
from tracer.errors import Invalid, TooSlow
from tracer.measure.answer import Answer
from tracer.query.errors import QueryError
from tracer.query.values import written_text
from tracer.store.measure.answer import answer as ask
from tracer.store.projects.releases import first_seen
from tracer.ui.charts import histograms, numbers, plots, tables, value_tables
from tracer.ui.charts.model import Drawing, Mark
from tracer.ui.charts.numbers import NumberTile
from tracer.ui.charts.tables import Table
from tracer.ui.charts.times import step_name
from tracer.ui.charts.units import Unit
from tracer.ui.charts.value_tables import ValueTable
from tracer.ui.dashboards.links import Lists
from tracer.ui.dashboards.rows import add_column, grouped_rows, ordering_column, pivoted, table_of
from tracer.ui.dashboards.series import bins, buckets, cells, everything, series, unit_of
from tracer.ui.render.time_zone import visitor_clock


@dataclass(slots=True)
class TileView:
    """An answered tile: its chart (of one kind), or the error."""

    tile: Tile
    error: str = ""
    answer: Answer | None = None
    drawing: Drawing | None = None
    figure: NumberTile | None = None
    table: Table | None = None
    value_table: ValueTable | None = None
    notes: list[str] = field(default_factory=list)
    url: str = ""
    """The list page with all rows of the tile."""

    @property
    def empty(self) -> bool:
        """Whether nothing was measured."""
        return self.value_table is not None and not any(
            value is not None for row in self.value_table.rows for value in row.values
        )

    @property
    def source(self) -> str:
        """Where the figures come from (rollups or a scan), and how long reading took."""
        if self.answer is None:
            return ""
        read = "read from rollups" if self.answer.source == "rollup" else "read by a scan"
        estimated = ", estimated from a sample" if self.answer.estimated else ""
        if self.answer.standard_error:
            estimated = f", estimated within {_twice(self.answer.standard_error)} (95 %)"
        return f"{read}{estimated}, {self.answer.milliseconds:.0f} ms"


def view_of(project_id: str, tile: Tile, frame: Frame) -> TileView:
    """Answer the questions of a tile and return its chart; the view contains their errors."""
    view = TileView(tile)
    try:
        question = question_of(tile, frame)
        view.answer = ask(project_id, question, visitor_clock(), previous_by_interval=False)
        lists = Lists(project_id, question.grain)
        _DRAW[tile.chart](view, project_id, lists, frame)
        view.url = lists.url(everything(view.answer))
    except (Invalid, QueryError) as error:
        view.error = f"The query can’t be read: {error}"
    except TooSlow:
        view.error = "This takes too long. Choose a shorter range of time, or a narrower query."
    if tile.note:
        view.notes.insert(0, tile.note)
    return view


def _marks(view: TileView, project_id: str) -> list[Mark]:
    """Return the releases that were first seen in the time of the tile."""
    frame = _answer(view).frame
    traces = Lists(project_id, "traces")
    return [
        Mark(each.first_seen, each.release, traces.url(f"release:{written_text(each.release)}"))
        for each in first_seen(project_id, frame.since, frame.until)
    ]


def _draw_plot(view: TileView, project_id: str, lists: Lists, _frame: Frame) -> None:
    answer, tile = _answer(view), view.tile
    unit = unit_of(answer.question)
    shared, drawn = buckets(answer, lists.url), series(answer, lists.url)
    marks = _marks(view, project_id)
    if tile.chart == "line":
        log = None if tile.scale == "auto" else tile.scale == "log"
        view.drawing = plots.lines(shared, drawn, unit, marks, log=log)
    else:
        view.drawing = (plots.areas if tile.chart == "area" else plots.bars)(
            shared, drawn, unit, marks
        )
    view.value_table = value_tables.over_time(shared, drawn, unit)
    view.notes = [f"per {step_name(shared.step)}", *(["log scale"] if view.drawing.log else [])]


def _draw_number(view: TileView, _project_id: str, lists: Lists, _frame: Frame) -> None:
    answer = _answer(view)
    drawn = series(answer, lists.url)
    unit = unit_of(answer.question)
    row, trend = (answer.rows[0], drawn[0]) if drawn else (None, None)
    view.figure = numbers.number_tile(
        trend.total if trend else None,
        float(row.previous) if row and row.previous is not None else None,
        trend.values if trend else [],
        unit,
        url=trend.url if trend else "",
        less_is_better=view.tile.better == "less",
        more_is_better=view.tile.better == "more",
    )
    view.value_table = value_tables.over_time(buckets(answer, lists.url), drawn, unit)
    if answer.standard_error:
        view.notes = [f"± {_twice(answer.standard_error)}"]


def _twice(error: float) -> str:
    """Return the bounds of 95 % of estimates with a standard error."""
    return f"{200 * error:.1f} %"


def _draw_table(view: TileView, project_id: str, lists: Lists, frame: Frame) -> None:
    answer, tile = _answer(view), view.tile
    if len(answer.question.group_by) > 1 and answer.question.measure != "percentile":
        columns, rows = pivoted(answer, lists.url)
    else:
        columns, rows = table_of(answer, tile.heading, lists.url)
    names = [row.groups[0] for row in grouped_rows(answer) if row.groups]
    for column in tile.columns:
        question = column_question(column.question, frame, [name for name in names if name])
        other = ask(project_id, question, visitor_clock())
        columns.append((column.heading, Unit.SHARE if column.share else unit_of(question)))
        url = Lists(project_id, question.grain).url
        add_column(rows, answer, other, url, share=column.share)
    heading = answer.question.group_by[0].replace("_", " ") if names else ""
    heading = f"{heading[:1].upper()}{heading[1:]}"
    failed = "bad" if "status:error" in answer.question.query else ""
    view.table = tables.table(heading, columns, rows, failed, ordering_column(answer))
    view.value_table = value_tables.of_rows(heading, columns, rows)


def _draw_histogram(view: TileView, _project_id: str, lists: Lists, _frame: Frame) -> None:
    answer = _answer(view)
    drawn, unit = bins(answer, lists.url), unit_of(answer.question)
    view.drawing = histograms.histogram(drawn, unit, answer.question.grain)
    view.value_table = value_tables.of_bins(drawn, unit, answer.question.grain)
    view.notes = ["log scale"] if view.drawing.log else []


def _draw_heat_map(view: TileView, project_id: str, lists: Lists, _frame: Frame) -> None:
    answer = _answer(view)
    unit = unit_of(answer.question)
    shared, drawn = buckets(answer, lists.url), bins(answer, lists.url)
    counts, urls = cells(answer, lists.url)
    marks = _marks(view, project_id)
    view.drawing = histograms.heat_map(shared, drawn, counts, urls, unit, marks)
    view.value_table = value_tables.of_cells(shared, drawn, counts, urls, unit)
    view.notes = [f"per {step_name(shared.step)}", "log scale"]


def _answer(view: TileView) -> Answer:
    assert view.answer is not None
    return view.answer


_DRAW: Final[dict[str, Callable[[TileView, str, Lists, Frame], None]]] = {
    "line": _draw_plot,
    "area": _draw_plot,
    "bar": _draw_plot,
    "number": _draw_number,
    "table": _draw_table,
    "histogram": _draw_histogram,
    "heat_map": _draw_heat_map,
}
