"""Forms of prompts: a new prompt, and a new version of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from flask import request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer import exact_json
from tracer.messages.prompt_names import refusal_of
from tracer.records import Json
from tracer.store.database.session import transaction
from tracer.store.library import prompts
from tracer.store.library.prompts import LATEST, PromptDraft, PromptVersion
from tracer.ui.base.blueprint import bp, redirect_after_save, refuse
from tracer.ui.base.rendering import render
from tracer.ui.library.prompts import MAX_LABEL_LENGTH, find_version, find_versions
from tracer.ui.library.written import read_json, read_text

_TYPES: Final = ("text", "chat")
_MAX_NOTE_LENGTH: Final = 2_000
_MAX_MESSAGES: Final = 100


@dataclass(frozen=True, slots=True)
class PromptForm:
    """The texts of the form; ``messages`` (role, content) is None where the prompt is one text."""

    type: str = "text"
    text: str = ""
    messages: list[tuple[str, str]] = field(default_factory=list)
    is_json: bool = False
    """The messages have more than role and content: they are edited as JSON, in ``text``."""
    config: str = ""


@bp.get("/project/<project_id>/prompts/new")
def new_prompt(project_id: str) -> str:  # noqa: ARG001 - part of the address
    """Show the form of a new prompt."""
    kind = "chat" if request.args.get("type") == "chat" else "text"
    form = PromptForm(type=kind, messages=[("system", ""), ("user", "")] if kind == "chat" else [])
    return render("library/prompt_form.html", name=None, form=form, base=None)


@bp.get("/project/<project_id>/prompts/<id:name>/new")
def new_version(project_id: str, name: str) -> str:
    """Show the form of a new version, filled with the version ``from``, else the newest."""
    versions = find_versions(project_id, name)
    number = request.args.get("from", versions[0].version, type=int)
    base = find_version(versions, number)
    return render("library/prompt_form.html", name=name, form=_filled(base), base=base)


@bp.post("/project/<project_id>/prompts/new")
def create_prompt(project_id: str) -> AnyResponse:
    """Create a prompt, with its first version, from the form."""
    name = request.form.get("name", "").strip()
    if refusal := refusal_of(name):
        refuse(f"Name: {refusal}.")
    if prompts.get_version(project_id, name, label=LATEST) is not None:
        refuse(f"A prompt named “{name}” already exists: add a version to it.")
    kind = request.form.get("type", "")
    if kind not in _TYPES:
        refuse("Type: expected text or chat.")
    return _save(project_id, name, kind)


@bp.post("/project/<project_id>/prompts/<id:name>/new")
def create_version(project_id: str, name: str) -> AnyResponse:
    """Create a version from the form."""
    return _save(project_id, name, find_versions(project_id, name)[0].type)


def _save(project_id: str, name: str, kind: str) -> AnyResponse:
    note = read_text("Message", request.form.get("message", "")).strip()
    if len(note) > _MAX_NOTE_LENGTH:
        refuse(f"What changed: at most {_MAX_NOTE_LENGTH:,} characters.")
    draft = PromptDraft(
        name=name,
        type=kind,
        prompt=_prompt(kind),
        config=read_json("Config", request.form.get("config", "")) or {},
        labels=_labels(),
        commit_message=note or None,
    )
    with transaction():
        version = prompts.create_version(project_id, draft)
    page = url_for("ui.prompt", project_id=project_id, name=name, version=version.version)
    return redirect_after_save(page)


def _prompt(kind: str) -> Json:
    if kind == "text":
        text = read_text("Text", request.form.get("text", ""))
        return text if text.strip() else refuse("Text: the prompt is empty.")
    if "text" in request.form:
        messages = read_json("Messages", request.form["text"])
        if not isinstance(messages, list) or not all(
            isinstance(message, dict) for message in messages
        ):
            refuse("Messages: expected a JSON list of objects.")
        return messages
    sent = [
        {"role": role.strip() or "user", "content": read_text("Content", content)}
        for role, content in zip(
            request.form.getlist("role"), request.form.getlist("content"), strict=False
        )
        if content.strip()
    ]
    return sent[:_MAX_MESSAGES] or refuse("Messages: the prompt is empty.")


def _labels() -> tuple[str, ...]:
    sent = (label.strip() for label in request.form.get("labels", "").split(","))
    labels = tuple(dict.fromkeys(label for label in sent if label))
    if any(label == LATEST or len(label) > MAX_LABEL_LENGTH for label in labels):
        refuse(f"Labels: at most {MAX_LABEL_LENGTH} characters each; “{LATEST}” moves by itself.")
    return labels


def _filled(base: PromptVersion) -> PromptForm:
    config = "" if base.config in (None, {}) else exact_json.to_indented_text(base.config)
    if base.type == "text":
        return PromptForm(text=str(base.prompt), config=config)
    if (messages := _plain(base.prompt)) is None:
        text = exact_json.to_indented_text(base.prompt)
        return PromptForm("chat", text, is_json=True, config=config)
    return PromptForm("chat", messages=messages, config=config)


def _plain(prompt: Json) -> list[tuple[str, str]] | None:
    """Return (role, text) of each message; None: some message has more than these."""
    if not isinstance(prompt, list):
        return None
    pairs = []
    for message in prompt:
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            return None
        role, content = message["role"], message["content"]
        if not isinstance(role, str) or not isinstance(content, str):
            return None
        pairs.append((role, content))
    return pairs
