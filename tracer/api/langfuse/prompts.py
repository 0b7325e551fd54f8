"""Prompts as Langfuse's clients create and fetch them."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response

from tracer.api.langfuse.paging import iso, offset_of, page
from tracer.ingestion.writing import json_body
from tracer.records import Json, Refusal, WireError
from tracer.store import prompts
from tracer.store.prompts import PromptDraft, PromptFilter, PromptVersion
from tracer.web.auth import project_id
from tracer.web.langfuse import PREFIX, reply, set_up
from tracer.web.operations import read_query
from tracer.web.problems import NotFound
from tracer.wire.langfuse.library import LabelsBody, PromptBody, PromptListQuery, PromptQuery
from tracer.wire.reading import read_item, read_json

PRODUCTION: Final = "production"
"""The label that is meant where none is named."""
_MOST_DEEP: Final = 5
_REFERENCE: Final = re.compile(r"@@@langfusePrompt:(?P<pairs>[^@]{1,1000})@@@")

bp = Blueprint("langfuse_prompts", __name__, url_prefix=PREFIX)
set_up(bp)


@bp.post("/v2/prompts")
@bp.post("/prompts", endpoint="create_prompt_v1")
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
    return reply(_shape(prompts.create_version(project_id(), draft)), 201)


@bp.get("/v2/prompts")
def list_prompts() -> Response:
    """Return a page of prompts, the last changed first."""
    query = read_query(PromptListQuery)
    wanted = PromptFilter(
        name=query.name,
        label=query.label,
        tag=query.tag,
        since=query.from_updated_at,
        until=query.to_updated_at,
    )
    rows, total = prompts.list_prompts(project_id(), wanted, query.limit, offset_of(query))
    shapes = [
        {
            "name": row.name,
            "type": row.type,
            "versions": row.versions,
            "labels": row.labels,
            "tags": row.tags,
            "lastUpdatedAt": iso(row.updated_at),
            "lastConfig": row.config,
        }
        for row in rows
    ]
    return reply(page(query, shapes, total))


@bp.get("/v2/prompts/<id:name>")
def read_prompt(name: str) -> Response:
    """Return the version of a number or label, with the prompts that it refers to filled in."""
    query = read_query(PromptQuery)
    found = _find(name, query.version, query.label)
    if not query.resolve:
        return reply(_shape(found))
    return reply(_shape(found) | {"prompt": _resolve(found.prompt, [name])})


@bp.patch("/v2/prompts/<id:name>/versions/<int:version>")
def label_prompt(name: str, version: int) -> Response:
    """Point labels to a version, from wherever they pointed."""
    sent = read_item(read_json(json_body()), LabelsBody)
    if "latest" in sent.new_labels:
        reason = "expected labels other than latest, which always is the newest version"
        raise WireError(reason, refusals=[Refusal(item="", field="newLabels", reason=reason)])
    if not prompts.label_version(project_id(), name, version, sent.new_labels):
        raise NotFound(_missing(name, version, None))
    return reply(_shape(_find(name, version, None)))


@bp.delete("/v2/prompts/<id:name>")
def delete_prompt(name: str) -> Response:
    """Delete a version, the version of a label, or without either the whole prompt."""
    query = read_query(PromptQuery)
    gone = prompts.delete_versions(project_id(), name, version=query.version, label=query.label)
    if not gone:
        raise NotFound(_missing(name, query.version, query.label))
    return Response(status=204)


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


def _shape(found: PromptVersion) -> dict[str, Any]:
    return {
        "id": f"{found.name}:{found.version}",
        "name": found.name,
        "version": found.version,
        "type": found.type,
        "prompt": found.prompt,
        "config": {} if found.config is None else found.config,
        "labels": found.labels,
        "tags": found.tags,
        "commitMessage": found.commit_message,
        "createdAt": iso(found.created_at),
        "updatedAt": iso(found.created_at),
        "projectId": project_id(),
        # The SDKs of the first generation read this instead of labels.
        "isActive": PRODUCTION in found.labels,
        "resolutionGraph": None,
    }


def _resolve(prompt: Json, path: list[str]) -> Json:
    """Return the prompt with each reference to a text prompt replaced by that text.

    Raises WireError where one can't be: an application must not send the mark to a model.
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
        raise WireError(f"Prompts refer to each other in a circle or too deeply: {[*path, name]}")
    number = told.get("version", "")
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else None
    found = _find(name, version, told.get("label"))
    if found.type != "text":
        raise WireError(f"Prompt {name!r} is referred to and is no text prompt")
    return str(_resolve(found.prompt, [*path, name]))
