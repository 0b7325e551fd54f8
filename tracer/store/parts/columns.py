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
PACKED_COLUMNS: Final = ("input", "output", "events", "tools")
"""Those whose short values may be in packs. Queries across traces compare attributes and metadata
of many spans, for which reading them out of packs would take ten times as long."""
PROJECT_COLUMNS: Final = ("resource", "scope", "claimed")
"""Those whose parts belong to the project, as most spans of a project have them in common."""


def assembled(rows: str, column: str) -> str:
    """Return SQL for the whole value of a column; ``rows`` is an alias of `span_payload_rows`.

    For queries that need the payload of only a few of their rows: with an outer join, PostgreSQL
    would assemble the columns of the view `span_payloads` for every row.
    """
    trace_id = "''" if column in PROJECT_COLUMNS else f"{rows}.trace_id"
    packed = f" WHEN {_is_packed(rows, column)} THEN {_unpacked(rows, column)}"
    return (
        f"CASE WHEN coalesce({rows}.split & {bit(column)}, 0) = 0 THEN {rows}.{column}"
        f"{packed if column in PACKED_COLUMNS else ''}"
        f" ELSE assemble_payload({rows}.project_id, {trace_id}, {rows}.{column})::json END"
    )


def _is_packed(rows: str, column: str) -> str:
    return f"json_typeof({rows}.{column} -> 2) = 'number'"


def _unpacked(rows: str, column: str) -> str:
    """Return what `assemble_payload` does with a reference to a pack, which takes longer."""
    reference = f"{rows}.{column}"
    return f"""(
        SELECT convert_from(substring(convert_to(pack.text, 'UTF8')
            FROM ({reference} ->> 2)::integer + 1 FOR ({reference} ->> 0)::integer), 'UTF8')
        FROM parts pack WHERE pack.project_id = {rows}.project_id
            AND pack.trace_id = {rows}.trace_id AND pack.hash = decode({reference} ->> 1, 'base64')
    )::json"""  # noqa: S608 - composed of constants; values are bound


def weight(rows: str, column: str) -> str:
    """Return SQL for about the compressed size of a column's whole value in bytes."""
    return (
        f"CASE WHEN {rows}.split & {bit(column)} <> 0 THEN ({rows}.{column} ->> 0)::integer / 3"
        f" ELSE pg_column_size({rows}.{column}) END"
    )


def bit(column: str) -> int:
    """Return the bit of a column in `span_payload_rows.split`."""
    return 1 << SPLIT_COLUMNS.index(column)
