"""Prompts in Langfuse's format: writes and reads."""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask import Blueprint, Response
from msgspec import Meta

from tracer.api.langfuse.answers import Answer, prompt_id
from tracer.api.langfuse.filters import read_filter
from tracer.api.langfuse.library.prompt_graph import check_unused, resolve
from tracer.api.langfuse.params import Limit, PageMeta, PageQuery, Query, page_meta, read_params
from tracer.errors import Invalid, NotFound
from tracer.records import Json
from tracer.store.database.conditions import Condition
from tracer.store.database.session import transaction
from tracer.store.library import prompts
from tracer.store.library.prompt_lists import list_prompts as listed_prompts
from tracer.store.library.prompts import LATEST, PromptDraft, PromptVersion
from tracer.times import json_time
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library.bodies import Label, LabelsBody, PromptBody, ambiguous_names
from tracer.wire.langfuse.times import read_sent
from tracer.wire.native.requests import Time as SentTime
from tracer.wire.reading import read_storable_json

PRODUCTION: Final = "production"
"""The label of the version that is returned if the request has neither version nor label."""
COLUMNS: Final = {
    "id": "id",
    "name": "name",
    "type": "type",
    "version": "version",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "labels": "labels",
    "tags": "tags",
    "config": "config",
}

bp = Blueprint("langfuse_prompts", __name__, url_prefix=PREFIX)
set_up(bp)


class VersionQuery(Query, kw_only=True):
    """Which version of a prompt to return; by default the one labelled ``production``."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    label: Label | None = None


class PromptQuery(VersionQuery, kw_only=True):
    """A version of a prompt, and whether its references are replaced."""

    resolve: Annotated[
        bool, Meta(description="replace references to other prompts by their texts")
    ] = True


class NamedPromptQuery(VersionQuery, kw_only=True):
    """A version of a prompt of this name."""

    name: Annotated[str, Meta(min_length=1, max_length=500)]


class PromptListQuery(PageQuery, kw_only=True):
    """Conditions on prompts."""

    limit: Limit = 10
    name: str | None = None
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    label: str | None = None
    tag: str | None = None
    from_updated_at: SentTime | None = None
    to_updated_at: Annotated[SentTime | None, Meta(description="exclusive")] = None
    filter: Annotated[
        str | None, Meta(description="JSON: conditions that replace the other parameters")
    ] = None


class Prompt(Answer, kw_only=True):
    """One version of a prompt."""

    id: str
    name: str
    version: int
    type: str
    prompt: Any
    config: Any
    labels: list[str]
    tags: list[str]
    commit_message: str | None
    created_at: Time
    updated_at: Time
    project_id: str
    is_active: bool
    """Whether the version is labelled ``production``; early versions of the SDKs read this."""
    created_by: str
    resolution_graph: Annotated[
        dict[str, Any] | None, Meta(description="the prompts that it refers to")
    ]


class PromptSummary(Answer, kw_only=True):
    """A prompt with the numbers of its versions."""

    name: str
    type: str
    versions: list[int]
    labels: list[str]
    tags: list[str]
    last_updated_at: Time
    last_config: Any


class PromptList(Answer, kw_only=True):
    """A page of prompts."""

    data: list[PromptSummary]
    meta: PageMeta
    pagination: Annotated[PageMeta, Meta(description="the same, for early versions of the SDKs")]


@bp.post("/v2/prompts")
@bp.post("/prompts", endpoint="create_prompt_v1")
@describe(
    Operation(
        summary="Create a version of a prompt",
        body=PromptBody,
        answers={201: Prompt},
        problems=WRITE_PROBLEMS,
    )
)
def create_prompt() -> Response:
    """Add a version to a prompt, which is created if necessary."""
    sent = read_sent(read_storable_json(json_body()), PromptBody)
    labels = [*(sent.labels or []), *([PRODUCTION] if sent.is_active else [])]
    draft = PromptDraft(
        name=sent.name,
        type=sent.type,
        prompt=sent.prompt,
        config={} if sent.config is None else sent.config,
        labels=tuple(labels),
        tags=sent.tags,
        commit_message=sent.commit_message,
    )
    # A variable and a placeholder of one name would get the same value.
    if ambiguous := ambiguous_names(sent.prompt):
        raise Invalid(f"the names of variables and placeholders must be unique: {ambiguous}")
    _check_type(sent)
    # The next version's number does not matter: a prompt can't refer to itself.
    resolve(sent.name, 0, sent.prompt)
    with transaction():
        made = prompts.create_version(current_project_id(), draft)
    return reply(_answer(made, made.prompt), 201)


def _check_type(sent: PromptBody) -> None:
    """Raise Invalid where the prompt's versions are of another type."""
    newest = prompts.get_version(current_project_id(), sent.name, label=LATEST)
    if newest is not None and newest.type != sent.type:
        raise Invalid(f"type: expected {newest.type}, as of the other versions of {sent.name!r}")


@bp.get("/v2/prompts")
@describe(
    Operation(
        summary="List prompts", query=PromptListQuery, answers={200: PromptList}, problems=PROBLEMS
    )
)
def list_prompts() -> Response:
    """Return a page of prompts, the last changed first."""
    query = read_params(PromptListQuery)
    rows, total = listed_prompts(
        current_project_id(), _conditions(query), query.limit, query.offset
    )
    data = [
        PromptSummary(
            name=row.name,
            type=row.type,
            versions=row.versions,
            labels=row.labels,
            tags=row.tags,
            last_updated_at=json_time(row.updated_at),
            last_config=row.config,
        )
        for row in rows
    ]
    meta = page_meta(query, total)
    return reply(PromptList(data=data, meta=meta, pagination=meta))


def _conditions(query: PromptListQuery) -> list[Condition]:
    if query.filter is not None:
        return read_filter(query.filter, COLUMNS)
    conditions = (
        Condition("name", "=", query.name),
        Condition("version", "=", query.version),
        Condition("labels", "any of", query.label),
        Condition("tags", "any of", query.tag),
        Condition("updated_at", ">=", query.from_updated_at),
        Condition("updated_at", "<", query.to_updated_at),
    )
    return [condition for condition in conditions if condition.value is not None]


@bp.get("/v2/prompts/<id:name>")
@describe(
    Operation(
        summary="Read a version of a prompt",
        query=PromptQuery,
        answers={200: Prompt},
        problems=(*PROBLEMS, 404),
    )
)
def read_prompt(name: str) -> Response:
    """Return a version by number or label, with references to other prompts replaced."""
    query = read_params(PromptQuery)
    row = _find(name, query.version, query.label)
    return reply(_resolved(row) if query.resolve else _answer(row, row.prompt))


@bp.get("/prompts")
@describe(
    Operation(
        summary="Read a version of a prompt by its name as a parameter",
        query=NamedPromptQuery,
        answers={200: Prompt},
        problems=(*PROBLEMS, 404),
    )
)
def read_prompt_v1() -> Response:
    """Return a version of a prompt in the route of the first SDKs."""
    query = read_params(NamedPromptQuery)
    row = _get(query.name, query.version, query.label)
    if row is None:
        # Exactly this text, which early clients compare.
        raise NotFound("Prompt not found")
    return reply(_resolved(row))


def _resolved(row: PromptVersion) -> Prompt:
    prompt, graph = resolve(row.name, row.version, row.prompt)
    return _answer(row, prompt, graph.answer())


@bp.patch("/v2/prompts/<id:name>/versions/<int:version>")
@describe(
    Operation(
        summary="Move labels to a version",
        body=LabelsBody,
        answers={200: Prompt},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def label_prompt(name: str, version: int) -> Response:
    """Move labels to a version."""
    sent = read_sent(read_storable_json(json_body()), LabelsBody)
    if "latest" in sent.new_labels:
        reason = "expected labels other than latest, which always is the newest version"
        raise Invalid.of_field("newLabels", reason)
    with transaction():
        exists = prompts.label_version(current_project_id(), name, version, sent.new_labels)
    if not exists:
        raise NotFound(_missing(name, version, None))
    prompt_version = _find(name, version, None)
    return reply(_answer(prompt_version, prompt_version.prompt))


@bp.delete("/v2/prompts/<id:name>")
@describe(
    Operation(
        summary="Delete versions of a prompt",
        query=VersionQuery,
        answers={},
        empty=(204,),
        problems=(*PROBLEMS, 404),
    )
)
def delete_prompt(name: str) -> Response:
    """Delete versions by number or label; without either, the whole prompt."""
    query = read_params(VersionQuery)
    if query.version is not None and query.label is not None:
        raise Invalid.of_field("label", "expected either version or label, got both")
    versions = prompts.list_versions(current_project_id(), name)
    selected = [row for row in versions if _is_selected(row, query)]
    if not selected:
        raise NotFound(_missing(name, query.version, query.label))
    check_unused(name, selected)
    with transaction():
        prompts.delete_versions(
            current_project_id(), name, version=query.version, label=query.label
        )
    return Response(status=204)


def _is_selected(row: PromptVersion, query: VersionQuery) -> bool:
    if query.version is not None:
        return row.version == query.version
    return query.label is None or query.label in row.labels


def _get(name: str, version: int | None, label: str | None) -> PromptVersion | None:
    if version is None and label is None:
        label = PRODUCTION
    return prompts.get_version(current_project_id(), name, version=version, label=label)


def _find(name: str, version: int | None, label: str | None) -> PromptVersion:
    prompt_version = _get(name, version, label)
    if prompt_version is None:
        raise NotFound(_missing(name, version, label))
    return prompt_version


def _missing(name: str, version: int | None, label: str | None) -> str:
    criteria = f" with version {version}" if version is not None else ""
    criteria += f" with label {label!r}" if label is not None else ""
    return f"Prompt not found: {name!r}{criteria}"


def _answer(
    prompt_version: PromptVersion, prompt: Json, graph: dict[str, Any] | None = None
) -> Prompt:
    return Prompt(
        id=prompt_id(prompt_version.name, prompt_version.version),
        name=prompt_version.name,
        version=prompt_version.version,
        type=prompt_version.type,
        prompt=prompt,
        config={} if prompt_version.config is None else prompt_version.config,
        labels=prompt_version.labels,
        tags=prompt_version.tags,
        commit_message=prompt_version.commit_message,
        created_at=json_time(prompt_version.created_at),
        updated_at=json_time(prompt_version.created_at),
        project_id=current_project_id(),
        is_active=PRODUCTION in prompt_version.labels,
        created_by="API",
        resolution_graph=graph,
    )
