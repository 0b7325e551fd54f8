"""The columns of the list of traces: which are shown, in which order, and sorted by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the address, its heading, its CSS class, the field that sorts it."""

    name: str
    label: str
    css: str
    sort: str = ""
    key: str = ""
    """The key of the metadata, or the name of the score."""


_KNOWN: Final = {
    column.name: column
    for column in (
        Column("name", "Name", "name", "name"),
        Column("input", "Input", "say"),
        Column("output", "Output", "say out"),
        Column("start", "Started", "when", "start"),
        Column("latency", "Duration", "time", "latency"),
        Column("spans", "Spans", "num spans", "spans"),
        Column("tokens", "Tokens", "num tok", "tokens"),
        Column("cost", "Cost", "num cost", "cost"),
        Column("errors", "Errors", "num errs", "errors"),
        Column("user", "User", "user", "user"),
        Column("session", "Session", "ses", "session"),
        Column("env", "Environment", "env", "env"),
        Column("release", "Release", "env", "release"),
        Column("version", "Version", "env", "version"),
        Column("model", "Model", "model"),
        Column("marks", "Annotations", "mk"),
        Column("scores", "Scores", "scores"),
        Column("tags", "Tags", "tags"),
        Column("id", "Id", "id", "id"),
    )
}
DEFAULT: Final = (
    *("name", "input", "start", "latency", "spans", "tokens", "cost", "errors"),
    *("user", "session", "env", "marks", "scores", "tags"),
)
MOST: Final = 30


def chosen_columns(text: str) -> list[Column]:
    """Return the columns of a text like ``name,cost,metadata.plan``; empty: the default.

    Names that are no columns are left out; the name, which links to the trace, is always there.
    """
    names = [name.strip() for name in text.split(",") if name.strip()] or list(DEFAULT)
    columns = [column for name in dict.fromkeys(names[:MOST]) if (column := _column(name))]
    if not any(column.name == "name" for column in columns):
        columns.insert(0, _KNOWN["name"])
    return columns


def _column(name: str) -> Column | None:
    if name in _KNOWN:
        return _KNOWN[name]
    kind, _, key = name.partition(".")
    if kind in ("metadata", "score") and key:
        return Column(name, key, "num" if kind == "score" else "meta", key=key)
    return None


def columns_text(columns: Sequence[Column]) -> str:
    """Return the text that `chosen_columns` reads; "" for the default."""
    names = [column.name for column in columns]
    return "" if tuple(names) == DEFAULT else ",".join(names)


def other_columns(columns: Sequence[Column]) -> list[Column]:
    """Return the known columns that are not among these."""
    names = {column.name for column in columns}
    return [column for column in _KNOWN.values() if column.name not in names]


def moved(columns: Sequence[Column], name: str, *, by: int) -> str:
    """Return the text of the columns with one moved to the left (-1) or to the right (1)."""
    order = list(columns)
    position = [column.name for column in order].index(name)
    order.insert(max(0, position + by), order.pop(position))
    return columns_text(order)


def without(columns: Sequence[Column], name: str) -> str:
    """Return the text of the columns without one."""
    return columns_text([column for column in columns if column.name != name])
