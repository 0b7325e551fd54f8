"""Reads and deletes the scores of one trace, span, session or dataset run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json
from tracer.store.annotations.delete_scores import delete_scores
from tracer.store.schema import scores
from tracer.store.scores.configs import list_configs

MAX_SCORES = 1_000
_CONFIGS: Final = 50
_RECENT = 300
"""Number of latest annotation scores from which the score form derives its suggestions."""
BY_HAND = "annotation"
"""The source of scores that people entered on a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """One score; its value is in `value` or `string_value`, depending on `data_type`."""

    score_id: str
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    name: str
    data_type: str
    value: float | None
    string_value: str | None
    comment: str | None
    source: str
    metadata: dict[str, Json]
    time: datetime
    author: str | None = None
    author_id: str | None = None
    """The person who entered the score; None: it was sent by an application."""
    config_id: str | None
    environment: str | None
    queue_id: str | None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreKind:
    """A score that has a config or that people entered lately: name, type, range or categories."""

    name: str
    data_type: str
    low: float | None
    high: float | None
    categories: list[str]
    config_id: str | None = None


def list_scores(
    project_id: str,
    *,
    trace_id: str | None = None,
    span_id: str | None = None,
    session_id: str | None = None,
    run_id: str | None = None,
) -> list[ScoreRow]:
    """Return the scores of a trace (narrowed to a span), a session or a run, oldest first.

    At most MAX_SCORES: longer lists would not fit a page.
    """
    query = sa.select(*_COLUMNS).where(scores.c.project_id == project_id)
    for column, wanted in (
        ("trace_id", trace_id),
        ("span_id", span_id),
        ("session_id", session_id),
        ("run_id", run_id),
    ):
        if wanted is not None:
            query = query.where(scores.c[column] == wanted)
    rows = db.session.execute(query.order_by(scores.c.time, scores.c.score_id).limit(MAX_SCORES))
    return [_row(row) for row in rows.mappings()]


def list_kinds(project_id: str) -> list[ScoreKind]:
    """Return the kinds of scores by config, then those entered lately, each name once."""
    query = (
        sa.select(scores.c.name, scores.c.data_type, scores.c.metadata)
        .where(scores.c.project_id == project_id, scores.c.source == BY_HAND)
        .order_by(scores.c.time.desc())
        .limit(_RECENT)
    )
    kinds = {kind.name: kind for kind in _configured(project_id)}
    for name, data_type, metadata in db.session.execute(query):
        kind = ScoreKind(
            name,
            data_type,
            metadata.get("min"),
            metadata.get("max"),
            metadata.get("categories", []),
        )
        kinds.setdefault(name, kind)
    return list(kinds.values())


def _configured(project_id: str) -> list[ScoreKind]:
    configs, _ = list_configs(project_id, _CONFIGS, 0)
    return [
        ScoreKind(
            config.name,
            config.data_type,
            config.min_value,
            config.max_value,
            [str(category["label"]) for category in config.categories],
            config.config_id,
        )
        for config in configs
        if not config.archived
    ]


def get_score(project_id: str, score_id: str) -> ScoreRow | None:
    """Return a score; the latest where clients have sent one id several times; None: no such."""
    query = sa.select(*_COLUMNS).where(*_is(project_id, score_id))
    row = db.session.execute(query.order_by(scores.c.time.desc()).limit(1)).mappings().first()
    return None if row is None else _row(row)


def delete_score(project_id: str, score_id: str) -> bool:
    """Delete a score; return whether it existed."""
    return delete_scores(*_is(project_id, score_id))


_COLUMNS = [scores.c[name] for name in ScoreRow.__dataclass_fields__]


def _is(project_id: str, score_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return scores.c.project_id == project_id, scores.c.score_id == score_id


def _row(row: sa.RowMapping) -> ScoreRow:
    return ScoreRow(**{**row, "trace_id": row["trace_id"] or None})
