"""Prompts as Langfuse's clients create and fetch them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from msgspec import Meta

from tracer.api.langfuse.answers import Answer, prompt_id
from tracer.api.langfuse.params import PageMeta, PageQuery, Query, page_meta, read_params
from tracer.errors import Invalid, NotFound
from tracer.records import Json
from tracer.store.database.session import transaction
from tracer.store.library import prompts
from tracer.store.library.prompts import PromptDraft, PromptFilter, PromptVersion
from tracer.times import json_time
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Message,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.library import Label, LabelsBody, PromptBody
from tracer.wire.native.requests import Time as SentTime
from tracer.wire.reading import read_item, read_json

PRODUCTION: Final = "production"
"""The label that is meant where none is named."""
_MOST_DEEP: Final = 5
_REFERENCE: Final = re.compile(r"@@@langfusePrompt:(?P<pairs>[^@]{1,1000})@@@")

bp = Blueprint("langfuse_prompts", __name__, url_prefix=PREFIX)
set_up(bp)


class PromptQuery(Query, kw_only=True):
    """Which version of a prompt is wanted; without either the one labelled ``production``."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    label: Label | None = None
    resolve: Annotated[bool, Meta(description="fill in the prompts it refers to")] = True


class PromptListQuery(PageQuery, kw_only=True):
    """Which prompts are wanted."""

    name: str | None = None
    label: str | None = None
    tag: str | None = None
    from_updated_at: SentTime | None = None
    to_updated_at: Annotated[SentTime | None, Meta(description="exclusive")] = None


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
    """Whether it is labelled ``production``: what SDKs of the first generation read."""
    resolution_graph: None


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
    """Add a version to a prompt, made new where there is none of that name."""
    sent = read_item(read_json(json_body()), PromptBody)
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
    with transaction():
        made = prompts.create_version(project_id(), draft)
    return reply(_answer(made, made.prompt), 201)


@bp.get("/v2/prompts")
@describe(
    Operation(
        summary="List prompts", query=PromptListQuery, answers={200: PromptList}, problems=PROBLEMS
    )
)
def list_prompts() -> Response:
    """Return a page of prompts, the last changed first."""
    query = read_params(PromptListQuery)
    wanted = PromptFilter(
        name=query.name,
        label=query.label,
        tag=query.tag,
        since=query.from_updated_at,
        until=query.to_updated_at,
    )
    rows, total = prompts.list_prompts(project_id(), wanted, query.limit, query.offset)
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
    return reply(PromptList(data=data, meta=page_meta(query, total)))


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
    """Return the version of a number or label, with the prompts that it refers to filled in."""
    query = read_params(PromptQuery)
    found = _find(name, query.version, query.label)
    return reply(_answer(found, _resolve(found.prompt, [name]) if query.resolve else found.prompt))


@bp.patch("/v2/prompts/<id:name>/versions/<int:version>")
@describe(
    Operation(
        summary="Point labels to a version",
        body=LabelsBody,
        answers={200: Prompt},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def label_prompt(name: str, version: int) -> Response:
    """Point labels to a version, from wherever they pointed."""
    sent = read_item(read_json(json_body()), LabelsBody)
    if "latest" in sent.new_labels:
        reason = "expected labels other than latest, which always is the newest version"
        raise Invalid.of_field("newLabels", reason)
    with transaction():
        there = prompts.label_version(project_id(), name, version, sent.new_labels)
    if not there:
        raise NotFound(_missing(name, version, None))
    found = _find(name, version, None)
    return reply(_answer(found, found.prompt))


@bp.delete("/v2/prompts/<id:name>")
@describe(
    Operation(
        summary="Delete versions of a prompt",
        query=PromptQuery,
        answers={200: Message},
        problems=(*PROBLEMS, 404),
    )
)
def delete_prompt(name: str) -> Response:
    """Delete a version, the version of a label, or without either the whole prompt."""
    query = read_params(PromptQuery)
    with transaction():
        gone = prompts.delete_versions(project_id(), name, version=query.version, label=query.label)
    if not gone:
        raise NotFound(_missing(name, query.version, query.label))
    return reply(Message(message=f"Deleted {gone} versions"))


def _find(name: str, version: int | None, label: str | None) -> PromptVersion:
    if version is None and label is None:
        label = PRODUCTION
    found = prompts.get_version(project_id(), name, version=version, label=label)
    if found is None:
        raise NotFound(_missing(name, version, label))
    return found


def _missing(name: str, version: int | None, label: str | None) -> str:
    told = f" with version {version}" if version is not None else ""
    told += f" with label {label!r}" if label is not None else ""
    return f"Prompt not found: {name!r}{told}"


def _answer(found: PromptVersion, prompt: Json) -> Prompt:
    return Prompt(
        id=prompt_id(found.name, found.version),
        name=found.name,
        version=found.version,
        type=found.type,
        prompt=prompt,
        config={} if found.config is None else found.config,
        labels=found.labels,
        tags=found.tags,
        commit_message=found.commit_message,
        created_at=json_time(found.created_at),
        updated_at=json_time(found.created_at),
        project_id=project_id(),
        is_active=PRODUCTION in found.labels,
        resolution_graph=None,
    )


def _resolve(prompt: Json, path: list[str]) -> Json:
    """Return the prompt with each reference to a text prompt replaced by that text.

    Raises Invalid where one can't be: an application must not send the mark to a model.
    """
    if isinstance(prompt, list):
        return [
            {**message, "content": _resolve(message["content"], path)}
            if isinstance(message, dict) and isinstance(message.get("content"), str)
            else message
            for message in prompt
        ]
    if not isinstance(prompt, str):
        return prompt
    return _REFERENCE.sub(lambda found: _referred(found["pairs"], path), prompt)


def _referred(pairs: str, path: list[str]) -> str:
    told = dict(pair.partition("=")[::2] for pair in pairs.split("|"))
    name = told.get("name", "")
    if name in path or len(path) > _MOST_DEEP:
        raise Invalid(f"Prompts refer to each other in a circle or too deeply: {[*path, name]}")
    number = told.get("version", "")
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None
    found = _find(name, version, told.get("label"))
    if found.type != "text":
        raise Invalid(f"Prompt {name!r} is referred to and is no text prompt")
    return str(_resolve(found.prompt, [*path, name]))
