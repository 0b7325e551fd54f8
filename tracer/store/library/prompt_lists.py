"""The list of prompts: those with a version that fulfils the conditions, and these versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from tracer.extensions import db
from tracer.records import Json
from tracer.store.database.conditions import (
    Column,
    Condition,
    Field,
    Pattern,
    value_of_key,
    where,
)
from tracer.store.database.numbered import numbered_page
from tracer.store.library.prompts import LATEST
from tracer.store.schema import prompt_labels, prompt_versions, prompts


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptSummary:
    """A prompt as a row of a list; type, versions, labels and config are of matching versions."""

    name: str
    type: str
    versions: list[int]
    labels: list[str]
    version_of: dict[str, int]
    """The version that each label refers to."""
    tags: list[str]
    config: Json
    """The config of the newest of the versions."""
    updated_at: datetime


def _pattern(column: Column) -> Column:
    return sa.type_coerce(column, Pattern())


def _of_version(table: Any) -> tuple[Column, ...]:
    """Return the conditions that join a row of ``table`` to a version of the same prompt."""
    return (
        table.c.project_id == prompt_versions.c.project_id,
        table.c.name == prompt_versions.c.name,
    )


def _newest() -> Column:
    other = prompt_versions.alias("other")
    return sa.select(sa.func.max(other.c.version)).where(*_of_version(other)).scalar_subquery()


def _labels() -> Column:
    label, of_version = prompt_labels.c.label, _of_version(prompt_labels)
    pointed = sa.select(sa.func.array_agg(label)).where(
        *of_version, prompt_labels.c.version == prompt_versions.c.version
    )
    latest = sa.case((prompt_versions.c.version == _newest(), LATEST))
    return sa.func.array_append(pointed.scalar_subquery(), latest, type_=ARRAY(sa.Text))


_NAME: Final = prompt_versions.c.name
_ID: Final = _NAME + ":" + sa.cast(prompt_versions.c.version, sa.Text)
_FIELDS: Final = {
    "id": Field(_pattern(_ID)),
    "name": Field(_pattern(_NAME)),
    "type": Field(_pattern(prompt_versions.c.type)),
    "version": Field(prompt_versions.c.version),
    "created_at": Field(prompt_versions.c.created_at),
    "updated_at": Field(prompts.c.updated_at),
    "labels": Field(_labels()),
    "tags": Field(prompts.c.tags),
    "config": Field(of_key=lambda key: _pattern(value_of_key(prompt_versions.c.config, key))),
}


def list_prompts(
    project_id: str,
    conditions: Sequence[Condition],
    limit: int,
    offset: int = 0,
    first: Sequence[str] = (),
) -> tuple[list[PromptSummary], int]:
    """Return (a page of prompts, last changed first; the number of all of them).

    The prompts with the names ``first`` precede the others, in that order.

    Raises Invalid: a condition has an unknown field, or a value that does not fit the field.
    """
    matching = where([*conditions], _FIELDS)
    rank = sa.func.array_position(sa.literal([*first], ARRAY(sa.Text)), prompts.c.name)
    query = (
        sa.select(prompts.c.name, prompts.c.tags, prompts.c.updated_at)
        .where(
            prompts.c.project_id == project_id,
            sa.exists().where(*_of_version(prompts), *matching).correlate(prompts),
        )
        .order_by(rank.nulls_last(), prompts.c.updated_at.desc(), prompts.c.name)
    )
    rows, total = numbered_page(query, limit, offset)
    return _summaries(project_id, rows, matching), total


def _summaries(
    project_id: str, rows: Sequence[sa.RowMapping], matching: Sequence[Column]
) -> list[PromptSummary]:
    """Return the prompts of these rows, with their matching versions."""
    names = [row["name"] for row in rows]
    every = (prompt_versions.c.project_id == project_id, _NAME.in_(names))
    versions = (
        sa.select(_NAME, prompt_versions.c.version)
        .join(prompts, sa.and_(*_of_version(prompts)))
        .where(*every, *matching)
    )
    numbers: dict[str, list[int]] = {}
    # Without the bodies: a prompt may have hundreds of long versions.
    for name, version in db.session.execute(versions.order_by(prompt_versions.c.version)):
        numbers.setdefault(name, []).append(version)
    newest = {
        row.name: row
        for row in db.session.execute(
            versions.add_columns(prompt_versions.c.type, prompt_versions.c.config)
            .ext(distinct_on(_NAME))
            .order_by(_NAME, prompt_versions.c.version.desc())
        )
    }
    labels = _labels_of(project_id, names)
    return [
        PromptSummary(
            name=name,
            type=newest[name].type,
            versions=numbers[name],
            labels=sorted(
                label for label, version in labels[name].items() if version in numbers[name]
            ),
            version_of=labels[name],
            tags=row["tags"],
            config=newest[name].config,
            updated_at=row["updated_at"],
        )
        for row in rows
        if (name := row["name"]) in newest and name in numbers
    ]


def _labels_of(project_id: str, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the version of each label, by the names of prompts."""
    labels: dict[str, dict[str, int]] = {name: {} for name in names}
    pointed = sa.select(prompt_labels.c.name, prompt_labels.c.label, prompt_labels.c.version)
    newest = sa.select(_NAME, sa.literal(LATEST), sa.func.max(prompt_versions.c.version))
    for query, table in ((pointed, prompt_labels), (newest.group_by(_NAME), prompt_versions)):
        own = (table.c.project_id == project_id, table.c.name.in_(names))
        for name, label, version in db.session.execute(query.where(*own)):
            labels[name][label] = version
    return labels
