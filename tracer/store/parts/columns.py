"""SQL expressions for payload columns whose repeated pieces are stored as parts."""

from __future__ import annotations

from typing import Final

SPLIT_COLUMNS: Final = (
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "tools",
    "resource",
    "scope",
    "claimed",
)
"""Columns of `span_payload_rows` whose values may refer to parts."""
PROJECT_COLUMNS: Final = ("resource", "scope", "claimed")
"""Those whose parts belong to the project, as most spans of a project have them in common."""


def assembled(rows: str, column: str) -> str:
    """Return SQL for the whole value of a column; ``rows`` is an alias of `span_payload_rows`.

    For queries that need the payload of only a few of their rows: with an outer join, PostgreSQL
    would assemble the columns of the view `span_payloads` for every row.
    """
    trace_id = "''" if column in PROJECT_COLUMNS else f"{rows}.trace_id"
    return (
        f"CASE WHEN {rows}.split & {bit(column)} <> 0"
        f" THEN assemble_payload({rows}.project_id, {trace_id}, {rows}.{column})::json"
        f" ELSE {rows}.{column} END"
    )


def weight(rows: str, column: str) -> str:
    """Return SQL for about the compressed size of a column's whole value in bytes."""
    return (
        f"CASE WHEN {rows}.split & {bit(column)} <> 0 THEN ({rows}.{column} ->> 0)::integer / 3"
        f" ELSE pg_column_size({rows}.{column}) END"
    )


def bit(column: str) -> int:
    """Return the bit of a column in `span_payload_rows.split`."""
    return 1 << SPLIT_COLUMNS.index(column)
