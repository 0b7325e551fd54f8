"""Prompts: immutable versions, and the labels that refer to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from tracer.extensions import db
from tracer.records import Json
from tracer.store.schema import prompt_labels, prompt_versions, prompts

LATEST: Final = "latest"
"""The label of the newest version, which can't be moved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptDraft:
    """The contents of a new version; `tags` None keeps the tags of the prompt."""

    name: str
    type: str
    """``text`` or ``chat``."""
    prompt: Json
    config: Json = None
    labels: tuple[str, ...] = ()
    tags: list[str] | None = None
    commit_message: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptVersion:
    """One version of a prompt, with the labels that refer to it now."""

    name: str
    version: int
    type: str
    prompt: Json
    config: Json
    labels: list[str]
    tags: list[str]
    commit_message: str | None
    created_at: datetime


def create_version(
    project_id: str, draft: PromptDraft, *, version: int | None = None
) -> PromptVersion:
    """Add a version to the prompt, created if necessary, and move its labels to it.

    `version` None: the next number. For imports, `version` is the original number, which must be
    free.
    """
    tags = {} if draft.tags is None else {"tags": sorted(set(draft.tags))}
    # One statement increments the number, so that concurrent requests get different ones.
    last = prompts.c.last_version
    following = last + 1 if version is None else sa.func.greatest(last, version)
    numbered = (
        insert(prompts)
        .values(project_id=project_id, name=draft.name, last_version=version or 1, **tags)
        .on_conflict_do_update(
            index_elements=["project_id", "name"],
            set_={"last_version": following, "updated_at": sa.func.now(), **tags},
        )
        .returning(last)
    )
    newest = db.session.execute(numbered).scalar_one()
    version = version or newest
    db.session.execute(
        sa.insert(prompt_versions).values(
            project_id=project_id,
            name=draft.name,
            version=version,
            type=draft.type,
            prompt=draft.prompt,
            config=draft.config,
            commit_message=draft.commit_message,
        )
    )
    _point(project_id, draft.name, version, draft.labels, created=True)
    made = get_version(project_id, draft.name, version=version)
    assert made is not None
    return made


def get_version(
    project_id: str, name: str, *, version: int | None = None, label: str | None = None
) -> PromptVersion | None:
    """Return a version by number or label; None: there is none."""
    query = _versions(project_id).where(prompt_versions.c.name == name)
    row = db.session.execute(_pick(query, project_id, version, label)).one_or_none()
    return None if row is None else _version(row)


def list_versions(project_id: str, name: str) -> list[PromptVersion]:
    """Return all versions of a prompt, the newest first."""
    query = _versions(project_id).where(prompt_versions.c.name == name)
    rows = db.session.execute(query.order_by(prompt_versions.c.version.desc()))
    return [_version(row) for row in rows]


def list_referring(project_id: str, name: str) -> list[PromptVersion]:
    """Return the versions of other prompts whose text refers to this one by ``name=…|``."""
    # Escaped as in the JSON text that the column stores.
    quoted = json.dumps(f"name={name}|")[1:-1]
    query = _versions(project_id).where(
        prompt_versions.c.name != name,
        sa.cast(prompt_versions.c.prompt, sa.Text).contains(quoted, autoescape=True),
    )
    order = query.order_by(prompt_versions.c.name, prompt_versions.c.version)
    return [_version(row) for row in db.session.execute(order)]


def label_version(project_id: str, name: str, version: int, labels: Iterable[str]) -> bool:
    """Move labels to a version; return False where there is no such version."""
    if get_version(project_id, name, version=version) is None:
        return False
    _point(project_id, name, version, labels)
    db.session.execute(
        sa.update(prompts)
        .where(prompts.c.project_id == project_id, prompts.c.name == name)
        .values(updated_at=sa.func.now())
    )
    return True


def delete_versions(
    project_id: str, name: str, *, version: int | None = None, label: str | None = None
) -> int:
    """Delete versions by number or label; without either, the whole prompt.

    Return the number of deleted versions.
    """
    selected = sa.select(prompt_versions.c.version).where(*_is(prompt_versions, project_id, name))
    if version is not None or label is not None:
        selected = _pick(selected, project_id, version, label)
    numbers = list(db.session.scalars(selected))
    for table in (prompt_labels, prompt_versions):
        db.session.execute(
            sa.delete(table).where(*_is(table, project_id, name), table.c.version.in_(numbers))
        )
    left = sa.exists().where(*_is(prompt_versions, project_id, name))
    db.session.execute(sa.delete(prompts).where(*_is(prompts, project_id, name), ~left))
    return len(numbers)


def _point(
    project_id: str, name: str, version: int, labels: Iterable[str], *, created: bool = False
) -> None:
    """Move labels to a version, in this order.

    They come after the version's present labels; those of a version that was just `created` get
    positions up to 0, which `_version` lists before the label `latest`.
    """
    own = (*_is(prompt_labels, project_id, name), prompt_labels.c.version == version)
    positions = sa.select(prompt_labels.c.label, prompt_labels.c.position).where(*own)
    present = dict(db.session.execute(positions).all())
    new = [label for label in dict.fromkeys(labels) if label != LATEST and label not in present]
    if not new:
        return
    first = -len(new) if created else max([0, *present.values()]) + 1
    rows = [
        {
            "project_id": project_id,
            "name": name,
            "label": label,
            "version": version,
            "position": position,
        }
        for position, label in enumerate(new, first)
    ]
    # In the order of the key, so that two requests can't deadlock.
    moved = insert(prompt_labels).values(sorted(rows, key=lambda row: str(row["label"])))
    db.session.execute(
        moved.on_conflict_do_update(
            index_elements=["project_id", "name", "label"],
            set_={"version": version, "position": moved.excluded.position},
        )
    )


def _is(table: sa.Table, project_id: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.project_id == project_id, table.c.name == name


def _pick(
    query: sa.Select[Any], project_id: str, version: int | None, label: str | None
) -> sa.Select[Any]:
    """Restrict a query on the versions of one prompt to a version number, a label or both."""
    if version is not None:
        query = query.where(prompt_versions.c.version == version)
    if label == LATEST:
        return query.order_by(prompt_versions.c.version.desc()).limit(1)
    if label is not None:
        pointed = sa.select(prompt_labels.c.version).where(
            prompt_labels.c.project_id == project_id,
            prompt_labels.c.name == prompt_versions.c.name,
            prompt_labels.c.label == label,
        )
        query = query.where(prompt_versions.c.version.in_(pointed))
    return query


def _versions(project_id: str) -> sa.Select[Any]:
    other = prompt_versions.alias("other")
    newest = (
        sa.select(sa.func.max(other.c.version))
        .where(
            other.c.project_id == prompt_versions.c.project_id,
            other.c.name == prompt_versions.c.name,
        )
        .scalar_subquery()
    )
    return (
        sa.select(
            prompt_versions,
            prompts.c.tags,
            _labels(prompt_labels.c.position <= 0).label("labels"),
            _labels(prompt_labels.c.position > 0).label("later_labels"),
            (prompt_versions.c.version == newest).label("newest"),
        )
        .join_from(
            prompt_versions,
            prompts,
            sa.and_(
                prompts.c.project_id == prompt_versions.c.project_id,
                prompts.c.name == prompt_versions.c.name,
            ),
        )
        .where(prompt_versions.c.project_id == project_id)
    )


def _labels(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Return the labels of a row of `prompt_versions` that fulfil the condition, in order."""
    label = prompt_labels.c.label
    return (
        sa.select(sa.func.array_agg(aggregate_order_by(label, prompt_labels.c.position, label)))
        .where(
            prompt_labels.c.project_id == prompt_versions.c.project_id,
            prompt_labels.c.name == prompt_versions.c.name,
            prompt_labels.c.version == prompt_versions.c.version,
            condition,
        )
        .scalar_subquery()
    )


def _version(row: sa.Row[Any]) -> PromptVersion:
    latest = [LATEST] if row.newest else []
    labels = [*(row.labels or []), *latest, *(row.later_labels or [])]
    return PromptVersion(
        name=row.name,
        version=row.version,
        type=row.type,
        prompt=row.prompt,
        config=row.config,
        labels=labels,
        tags=row.tags,
        commit_message=row.commit_message,
        created_at=row.created_at,
    )
