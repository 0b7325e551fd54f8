"""Reads of scores in version 3 of the API: cursors, one value field, one subject field."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from tracer.api.langfuse.answers import Answer, score_environment, source_of
from tracer.api.langfuse.params import (
    Query,
    decode_cursor,
    encode_cursor,
    read_params,
    split,
)
from tracer.api.langfuse.scores.scores import as_stored
from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.scores import search
from tracer.store.scores.search import FoundScore, ScoreKey
from tracer.times import json_time_in_millis
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.native.requests import Time

GROUPS: Final = ("core", "details", "subject", "annotation")
"""Groups of fields; those of the first group are always returned."""
SOURCES: Final = ("API", "ANNOTATION", "EVAL")
DATA_TYPES: Final = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT", "CORRECTION")
Listed = Annotated[str, Meta(description="one or several, with commas")]

bp = Blueprint("langfuse_scores_v3", __name__, url_prefix=PREFIX)
set_up(bp)


class ScoresV3Query(Query, kw_only=True, forbid_unknown_fields=True):
    """A page of scores after a cursor; unknown parameters are rejected."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str | None = None
    fields: Annotated[str | None, Meta(description=", ".join(GROUPS))] = None
    id: Listed | None = None
    name: Listed | None = None
    source: Listed | None = None
    data_type: Listed | None = None
    environment: Listed | None = None
    config_id: Listed | None = None
    queue_id: Listed | None = None
    author_user_id: Listed | None = None
    value: Listed | None = None
    trace_id: Listed | None = None
    session_id: Listed | None = None
    observation_id: Annotated[Listed | None, Meta(description="with traceId")] = None
    experiment_id: Listed | None = None
    value_min: float | None = None
    value_max: float | None = None
    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None


class ScoresV3Meta(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor of the next page; absent: this is the last page."""

    limit: int
    cursor: str | None = None


class ScoresV3(Answer, kw_only=True):
    """A page of scores with the requested groups of fields."""

    data: list[dict[str, Any]]
    meta: ScoresV3Meta


@bp.get("/v3/scores")
@describe(
    Operation(
        summary="List scores by groups of fields",
        query=ScoresV3Query,
        answers={200: ScoresV3},
        problems=PROBLEMS,
    )
)
def list_scores_v3() -> Response:
    """Return one page of the project's scores, newest first."""
    query = read_params(ScoresV3Query)
    groups = split(query.fields)
    if unknown := set(groups) - set(GROUPS):
        raise Invalid.of_field(
            "fields", f"expected any of {', '.join(GROUPS)}, got {sorted(unknown)[0]}"
        )
    after = None
    if query.cursor is not None:
        after = ScoreKey(*decode_cursor(query.cursor, tuple[datetime, str]))
    rows = search.list_scores(
        current_project_id(), _conditions(query), after=after, limit=query.limit + 1
    )
    page, meta = rows[: query.limit], ScoresV3Meta(limit=query.limit)
    if len(rows) > query.limit:
        meta.cursor = encode_cursor(page[-1].time, page[-1].score_id)
    return reply(ScoresV3(data=[score_v3(row, groups) for row in page], meta=meta))


def _conditions(query: ScoresV3Query) -> list[Condition]:
    _check_subjects(query)
    plain = {
        "score_id": query.id,
        "name": query.name,
        "environment": query.environment,
        "config_id": query.config_id,
        "queue_id": query.queue_id,
        "trace_id": query.trace_id,
        "session_id": query.session_id,
        "span_id": query.observation_id,
        "run_id": query.experiment_id,
        "author_id": query.author_user_id,
    }
    conditions = [
        Condition(name, "any of", split(listed))
        for name, listed in plain.items()
        if listed is not None
    ]
    if query.source is not None:
        conditions.append(_labelled("source", _known_values("source", query.source, SOURCES)))
    if query.data_type is not None:
        names = _known_values("dataType", query.data_type, DATA_TYPES)
        conditions.append(_labelled("data_type", names))
    if query.from_timestamp is not None:
        conditions.append(Condition("time", ">=", query.from_timestamp))
    if query.to_timestamp is not None:
        conditions.append(Condition("time", "<", query.to_timestamp))
    return conditions + _value_conditions(query)


def _labelled(field: str, names: list[str]) -> Condition:
    return as_stored(Condition(field, "any of", names))


def _check_subjects(query: ScoresV3Query) -> None:
    """Raise Invalid where the query names subjects of two kinds: no score has both."""
    if query.observation_id is not None and query.trace_id is None:
        raise Invalid.of_field("observationId", "expected traceId beside it")
    subjects = {
        "traceId": query.trace_id,
        "sessionId": query.session_id,
        "experimentId": query.experiment_id,
    }
    named = [name for name, value in subjects.items() if value is not None]
    if len(named) > 1:
        raise Invalid.of_field(named[1], f"expected only one of {', '.join(named)}")


def _value_conditions(query: ScoresV3Query) -> list[Condition]:
    """Return the conditions on the value, which need a single data type; raises Invalid."""
    data_type = (query.data_type or "").upper()
    conditions = []
    for name, bound, operator in (
        ("valueMin", query.value_min, ">="),
        ("valueMax", query.value_max, "<="),
    ):
        if bound is not None:
            if data_type != "NUMERIC":
                raise Invalid.of_field(name, "expected dataType=NUMERIC beside it")
            conditions.append(Condition("value", operator, bound))
    if query.value is None:
        return conditions
    values = split(query.value)
    if data_type == "CATEGORICAL":
        return [*conditions, Condition("string_value", "any of", values)]
    if data_type not in ("NUMERIC", "BOOLEAN"):
        expected = "expected one dataType of NUMERIC, BOOLEAN and CATEGORICAL beside it"
        raise Invalid.of_field("value", expected)
    read_number = _flag if data_type == "BOOLEAN" else _number
    return [*conditions, Condition("value", "any of", [read_number(part) for part in values])]


def _known_values(name: str, listed: str, known: tuple[str, ...]) -> list[str]:
    """Return the parts of a list in upper case; raises Invalid for one that is not known."""
    parts = [part.upper() for part in split(listed)]
    if unknown := set(parts) - set(known):
        raise Invalid.of_field(
            name, f"expected any of {', '.join(known)}, got {sorted(unknown)[0]!r:.80}"
        )
    return parts


def _number(part: str) -> float:
    try:
        number = float(part)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Invalid.of_field("value", f"expected finite numbers, got {part!r:.80}")
    return number


def _flag(part: str) -> float:
    flags = {"true": 1.0, "false": 0.0}
    if part.lower() not in flags:
        raise Invalid.of_field("value", f"expected true or false, got {part!r:.80}")
    return flags[part.lower()]


def score_v3(row: FoundScore, groups: list[str]) -> dict[str, Any]:
    """Return a score in version 3 of the API, with the given groups of fields."""
    fields: dict[str, Any] = {
        "id": row.score_id,
        "projectId": current_project_id(),
        "name": row.name,
        "source": source_of(row),
        "timestamp": json_time_in_millis(row.time),
        "environment": score_environment(row),
        "createdAt": json_time_in_millis(row.time),
        "updatedAt": json_time_in_millis(row.time),
        "dataType": row.data_type.upper(),
        "value": _value(row),
    }
    if "details" in groups:
        fields |= {"comment": row.comment, "configId": row.config_id, "metadata": row.metadata}
    if "subject" in groups:
        fields["subject"] = _subject(row)
    if "annotation" in groups:
        fields |= {"authorUserId": row.author_id, "queueId": row.queue_id}
    return fields


def _value(row: FoundScore) -> float | bool | str:
    if row.data_type == "boolean":
        return bool(row.value)
    if row.data_type == "numeric":
        return row.value or 0.0
    return row.string_value or ""


def _subject(row: FoundScore) -> dict[str, Any]:
    if row.span_id is not None:
        return {"kind": "observation", "id": row.span_id, "traceId": row.trace_id}
    if row.trace_id is not None:
        return {"kind": "trace", "id": row.trace_id}
    if row.run_id is not None:
        return {"kind": "experiment", "id": row.run_id}
    return {"kind": "session", "id": row.session_id}
