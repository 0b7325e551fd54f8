"""Files of the items of a dataset: JSON lines or CSV, written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tracer import exact_json
from tracer.export.csv import table, text_of
from tracer.records import Json

COLUMNS: Final = (
    *("id", "input", "expected_output", "metadata", "source_trace_id", "source_span_id"),
    "archived",
)
VALUES: Final = ("input", "expected_output", "metadata")
_NAMES: Final = {
    "expectedOutput": "expected_output",
    "expected": "expected_output",
    "output": "expected_output",
}
"""Other names of the same columns, as files of other systems have them."""


def write_lines(items: Iterable[Mapping[str, Any]]) -> str:
    """Return a line of JSON for each item, with the fields of `COLUMNS`."""
    return exact_json.encode_lines(
        [{name: item[name] for name in COLUMNS} for item in items]
    ).decode()


def write_csv(items: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of the items; texts stand as they are, other values as JSON."""
    return "".join(
        table(COLUMNS, ([exact_json.to_text(item[name]) for name in COLUMNS] for item in items))
    )


def read(text: str) -> list[dict[str, Json]]:
    """Return the items of a file: JSON lines, a list in JSON, or CSV with a line of headings.

    An item has some of ``id`` and `VALUES`. Raises ValueError, which names the line.
    """
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise ValueError("the file is empty")
    rows = _from_json(text) if text[0] in "[{" else _from_csv(text)
    items = [_item(row, number) for number, row in enumerate(rows, 1)]
    if not items:
        raise ValueError("the file has no items")
    return items


def _from_json(text: str) -> list[Any]:
    if text[0] == "[":
        rows: Any = _decode(text, "the file")
        return list(rows)
    lines = ((n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip())
    return [_decode(line, f"line {number}") for number, line in lines]


def _decode(text: str, where: str) -> Any:
    try:
        value = exact_json.decode(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is no JSON: {error}") from None
    if exact_json.NUL.search(text):
        raise ValueError(f"{where} has the escape of NUL, which can't be stored")
    return value


def _from_csv(text: str) -> list[dict[str, Json]]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"the file is no CSV: {error}") from None
    heads = [name.strip() for name in lines[0]]
    return [
        {name: _value(name, cell) for name, cell in zip(heads, line, strict=False)}
        for line in lines[1:]
        if any(line)
    ]


def _value(name: str, cell: str) -> Json:
    cell = text_of(cell)
    if name == "id":
        return cell or None
    if not cell.strip():
        return None
    try:
        value: Json = exact_json.decode(cell)
    except (ValueError, RecursionError):
        return cell
    # A text of digits, such as an article number, stays a text.
    return value if isinstance(value, dict | list) else cell


def _item(row: Any, number: int) -> dict[str, Json]:
    if not isinstance(row, dict):
        raise ValueError(f"item {number} is no object with an input")
    named = {_NAMES.get(name, name): value for name, value in row.items()}
    item = {name: named[name] for name in ("id", *VALUES) if named.get(name) is not None}
    if "input" not in item:
        raise ValueError(f"item {number} has no input")
    if not isinstance(item.get("id", ""), str):
        raise ValueError(f"item {number}: expected a text as its id")
    return item
