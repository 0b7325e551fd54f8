"""The lists behind the numbers of charts: their rows, and the numbers computed from them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

Row = dict[str, Any]


def listed(client: FlaskClient, url: str) -> list[Row]:
    """Return all rows of the list at an address."""
    parts = urlsplit(url)
    rows: list[Row] = []
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    while True:
        page = client.get(f"{parts.path}.json?{urlencode(query)}").get_json()
        rows += page["data"]
        if not page["next_cursor"]:
            return rows
        query["cursor"] = page["next_cursor"]


def measured(client: FlaskClient, question: Row, label: str, rows: list[Row]) -> Any:
    """Return what a question measures of the rows of a list; ``label``: the series of the chart.

    None: the rows don't show it.
    """
    measure, field = question.get("measure", "count"), question.get("field", "")
    if measure == "ratio":
        return len(rows)
    if measure == "count":
        return len(rows)
    if measure == "distinct":
        return len({row["user_id"] for row in rows} - {None})
    if measure == "sum" and "token_type" in question.get("group_by", ()):
        return sum(_usage(client, row).get(label, 0) for row in rows)
    values = [_value(row, field, label) for row in rows]
    known = [value for value in values if value is not None]
    if not known or (field == "latency" and len(known) < len(values)):
        # The list has no duration of what is running.
        return None
    if measure == "percentile":
        percent = float(label.removeprefix("p")) if label[1:].isdigit() else 95
        exact = sorted(known)[max(1, math.ceil(percent / 100 * len(known))) - 1]
        return pytest.approx(exact, rel=0.02)
    return pytest.approx(sum(known) if measure == "sum" else sum(known) / len(known))


def _value(row: Row, field: str, label: str) -> float | None:
    if field == "value":
        return next((each["value"] for each in row["scores"] if each["name"] == label), None)
    if field == "first_token":
        first, start = row["completion_start_time"], row["start_time"]
        return (_time(first) - _time(start)).total_seconds() if first else None
    if field == "latency":
        return None if row["duration_ms"] is None else row["duration_ms"] / 1000
    known: dict[str, float | None] = {"cost": row["total_cost"], "tokens": row["total_tokens"]}
    return known[field]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _usage(client: FlaskClient, row: Row) -> dict[str, int]:
    if "usage" in row:
        return row["usage"]  # type: ignore[no-any-return]
    span = client.get(f"/api/v1/traces/{row['trace_id']}/spans/{row['id']}").get_json()
    return span["usage"]  # type: ignore[no-any-return]
