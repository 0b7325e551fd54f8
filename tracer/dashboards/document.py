"""The document of a dashboard: JSON that is stored, exported, imported and cloned."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from tracer.errors import Invalid
from tracer.exact_json import with_floats
from tracer.measure.question import Question, check, explained
from tracer.query.moments import parse_moment

Chart = Literal["line", "area", "bar", "number", "table", "histogram", "heat_map"]
Width = Literal["sixth", "fifth", "quarter", "third", "half", "full"]
CHARTS: Final = {
    "line": "Line",
    "area": "Area",
    "bar": "Bars",
    "number": "Number",
    "table": "Table",
    "histogram": "Histogram",
    "heat_map": "Heat map",
}
SHAPES: Final = {"histogram": "histogram", "heat_map": "heat_map"}
"""The shape of a question by the chart that shows it; other charts show values."""
WIDTHS: Final = ("sixth", "fifth", "quarter", "third", "half", "full")
MAX_TILES: Final = 60
MAX_COLUMNS: Final = 4
MAX_VARIABLES: Final = 12

T = TypeVar("T")
Short = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]


class Column(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A further figure per row of a table: its heading and its question."""

    heading: Short
    question: Question
    share: Annotated[bool, Meta(description="show the first figure as a part of this one")] = False


class Tile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A chart with its question; the dashboard adds its time and query to the question."""

    title: Annotated[Short, Meta(min_length=1)]
    question: Question
    chart: Chart = "line"
    width: Width = "half"
    note: Annotated[Short, Meta(description="a few words beside the title")] = ""
    heading: Annotated[Short, Meta(description="of the first figure of a table")] = ""
    columns: Annotated[tuple[Column, ...], Meta(max_length=MAX_COLUMNS)] = ()
    scale: Literal["auto", "linear", "log"] = "auto"
    better: Annotated[
        Literal["", "less", "more"], Meta(description="which change of the number is good")
    ] = ""


class Variable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A value that visitors choose and that queries of tiles contain as ``$name``; ``""``: any."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    field: Annotated[Short, Meta(description="whose values are offered")]
    value: Annotated[Short, Meta(description="the default value")] = ""


class Dashboard(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A dashboard: what all tiles share, and the tiles in order."""

    name: Annotated[Short, Meta(min_length=1)]
    description: Text = ""
    range: Annotated[Short, Meta(description="-7d, or two times with .. between them")] = "-7d"
    query: Annotated[Text, Meta(description="selects the traces of all tiles")] = ""
    variables: Annotated[tuple[Variable, ...], Meta(max_length=MAX_VARIABLES)] = ()
    tiles: Annotated[tuple[Tile, ...], Meta(max_length=MAX_TILES)] = ()


def read_dashboard(value: Any) -> Dashboard:
    """Return the dashboard that a JSON value is; raises Invalid that names the field."""
    dashboard = _read(value, Dashboard)
    _check_shared(dashboard)
    return dashboard


def read_tile(value: Any) -> Tile:
    """Return the tile that a JSON value is; raises Invalid that names the field."""
    return _read(value, Tile)


def _read(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(with_floats(value), kind)
    except msgspec.ValidationError as error:
        path, text = explained(error)
        raise Invalid.of_field(path or "document", text) from None


def write_dashboard(dashboard: Dashboard) -> dict[str, Any]:
    """Return the JSON value of a dashboard, without fields that have their default."""
    value: dict[str, Any] = msgspec.to_builtins(dashboard)
    return value


def range_of(text: str) -> tuple[str, str]:
    """Return (since, until) of a range of time; raises Invalid.

    ``-7d`` is until now, ``yesterday`` and ``2026-11`` are themselves.
    """
    since, dots, until = text.strip().partition("..")
    if not dots:
        until = "now" if since.startswith("-") else since
    for moment in (since, until):
        if parse_moment(moment) is None:
            expected = "expected a range like -7d, today, 2026-11 or 2026-11-01..2026-11-07"
            raise Invalid.of_field("range", f"{expected}, got {text!r}")
    return since, until


def check_dashboard(dashboard: Dashboard) -> None:
    """Raise Invalid, naming the field, if any tile can't be shown."""
    _check_shared(dashboard)
    for index, tile in enumerate(dashboard.tiles):
        try:
            check_tile(tile)
        except Invalid as error:
            raise Invalid.of_field(f"tiles[{index}]", str(error)) from None


def _check_shared(dashboard: Dashboard) -> None:
    names = [variable.name for variable in dashboard.variables]
    if len(set(names)) < len(names):
        raise Invalid.of_field("variables", "two variables have the same name")
    _ = range_of(dashboard.range)


def check_tile(tile: Tile) -> None:
    """Raise Invalid, naming the field, where a tile's questions can't be answered."""
    check(tile.question)
    for column in tile.columns:
        check(column.question)
        if column.question.group_by != tile.question.group_by:
            raise Invalid.of_field("columns", f"{column.heading} has other groups than the table")
    if tile.question.shape != SHAPES.get(tile.chart, "values"):
        raise Invalid.of_field("chart", f"a {tile.chart} does not show a {tile.question.shape}")
