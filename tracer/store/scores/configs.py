"""Score configs: the agreed name, type, bounds and categories of scores in a project."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json
from tracer.store.database.conditions import between
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import score_configs


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreConfig:
    """The definition of a score; an archived one is not offered for new scores."""

    config_id: str
    project_id: str
    name: str
    data_type: str
    min_value: float | None
    max_value: float | None
    categories: list[dict[str, Json]]
    """``{"label", "value"}`` each."""
    description: str | None
    archived: bool
    created_at: datetime
    updated_at: datetime


_COLUMNS = [score_configs.c[name] for name in ScoreConfig.__dataclass_fields__]


def create_config(project_id: str, **fields: Any) -> ScoreConfig:
    """Add a config and return it."""
    values = {"project_id": project_id, "config_id": secrets.token_hex(12), **fields}
    query = sa.insert(score_configs).values(values).returning(*_COLUMNS)
    row = db.session.execute(query).mappings().one()
    return ScoreConfig(**row)


def update_config(project_id: str, config_id: str, **fields: Any) -> ScoreConfig | None:
    """Change a config and return it; None: there is none of this id."""
    query = (
        sa.update(score_configs)
        .where(score_configs.c.project_id == project_id, score_configs.c.config_id == config_id)
        .values(**fields, updated_at=sa.func.now())
        .returning(*_COLUMNS)
    )
    row = db.session.execute(query).mappings().one_or_none()
    return ScoreConfig(**row) if row is not None else None


def get_configs(project_id: str, config_ids: Sequence[str]) -> dict[str, ScoreConfig]:
    """Return the existing configs among these ids, by id."""
    if not config_ids:
        return {}
    query = sa.select(*_COLUMNS).where(
        score_configs.c.project_id == project_id, score_configs.c.config_id.in_(config_ids)
    )
    rows = db.session.execute(query).mappings()
    return {row["config_id"]: ScoreConfig(**row) for row in rows}


def list_configs(
    project_id: str,
    limit: int,
    offset: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[ScoreConfig], int]:
    """Return (a page of a project's configs, newest first; the number of all of them).

    Only those created from ``since`` on and before ``until``.
    """
    wanted = [score_configs.c.project_id == project_id]
    wanted += between(score_configs.c.created_at, since, until)
    query = sa.select(*_COLUMNS).where(*wanted)
    query = query.order_by(score_configs.c.created_at.desc(), score_configs.c.config_id)
    rows, total = numbered_page(query, limit, offset)
    return [ScoreConfig(**row) for row in rows], total
