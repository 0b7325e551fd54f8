"""The form of a tile: its fields become the JSON of a tile, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from werkzeug.datastructures import MultiDict

from tracer.dashboards.document import SHAPES, Tile, check_tile, read_tile
from tracer.errors import Invalid
from tracer.measure.fields import GRAINS, groupable, measurable
from tracer.measure.question import Question

MEASURES: Final = {
    "count": "number of rows",
    "rate": "rows per minute",
    "sum": "sum",
    "average": "average",
    "percentile": "percentiles",
    "min": "least",
    "max": "greatest",
    "distinct": "distinct values",
    "ratio": "share of rows, ratio of sums",
}
_DEFAULTS: Final = Question()


@dataclass(slots=True)
class TileForm:
    """The texts of a tile's form, the tile that they are, or why they are none."""

    values: dict[str, str]
    tile: Tile | None = None
    error: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    """Names of fields that are offered: to measure, to group by."""

    def __post_init__(self) -> None:
        grain = self.values.get("grain", "traces")
        if grain in GRAINS:
            self.fields = {
                "measured": [each.name for each in measurable(grain)],
                "grouped": [each.name for each in groupable(grain)],
            }


def form_of(tile: Tile) -> TileForm:
    """Return the form of a tile that exists."""
    question = tile.question
    columns = msgspec.to_builtins(tile.columns)
    values = {
        "title": tile.title,
        "note": tile.note,
        "chart": tile.chart,
        "width": tile.width,
        "heading": tile.heading,
        "scale": tile.scale,
        "better": tile.better,
        "measure": question.measure,
        "grain": question.grain,
        "field": question.field,
        "over": question.over,
        "percents": ", ".join(f"{percent:g}" for percent in question.percents),
        "part": question.part,
        "whole": question.whole,
        "group_by": ", ".join(question.group_by),
        "query": question.query,
        "limit": str(question.limit),
        "buckets": str(question.buckets),
        "columns": json.dumps(columns, ensure_ascii=False, indent=1) if columns else "",
    }
    return TileForm(values, tile)


NEW: Final = {
    "title": "",
    "chart": "bar",
    "width": "half",
    "measure": "count",
    "grain": "traces",
    "percents": "50, 95, 99",
    "limit": "5",
    "buckets": "0",
}
"""The form of a tile that is made."""


def read_form(sent: MultiDict[str, str]) -> TileForm:
    """Return the form that was sent, with its tile, or with the error of one of its fields."""
    values = {name: value.strip() for name, value in sent.items()}
    form = TileForm(values)
    try:
        form.tile = read_tile(_json(values))
        check_tile(form.tile)
    except Invalid as error:
        form.tile, form.error = None, str(error).removeprefix("question.")
    return form


def _json(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON of a tile; fields that the measure does not need are left out."""

    def value(name: str) -> str:
        return values.get(name, "")

    measure, chart = value("measure"), value("chart")
    question: dict[str, Any] = {
        "measure": measure,
        "grain": value("grain"),
        "query": value("query"),
        "group_by": _list(value("group_by")),
        "limit": _number("limit", value("limit") or str(_DEFAULTS.limit)),
        "buckets": _number("buckets", value("buckets") or "0"),
        "shape": SHAPES.get(chart, "values"),
    }
    if measure not in ("count", "rate", "ratio") or chart in SHAPES:
        question["field"] = value("field")
    if measure == "percentile":
        question["percents"] = [_number("percents", each) for each in _list(value("percents"))]
    if measure == "ratio" and value("over") and chart not in SHAPES:
        question |= {"field": value("field"), "over": value("over")}
    elif measure == "ratio":
        question |= {"part": value("part"), "whole": value("whole")}
    own = ("title", "note", "chart", "width", "heading", "scale", "better")
    tile: dict[str, Any] = {name: value(name) for name in own if value(name)}
    if value("columns"):
        tile["columns"] = _columns(value("columns"))
    return {"title": "", **tile, "question": question}


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(name: str, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise Invalid.of_field(name, f"expected a number, got {text!r}") from None
    return int(number) if number == int(number) else number


def _columns(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid.of_field("columns", f"this is no JSON: {error}") from None
