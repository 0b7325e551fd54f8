"""What a prompt refers to: checked when it is created and deleted, filled in when it is read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from tracer.api.langfuse.answers import prompt_id
from tracer.errors import Invalid
from tracer.records import Json
from tracer.store.library import prompts
from tracer.store.library.prompts import LATEST, PromptVersion
from tracer.web.keys import current_project_id
from tracer.wire.langfuse.library.references import (
    Reference,
    added_length,
    filled_in,
    references_in,
)

MAX_DEPTH: Final = 5
"""Prompts in the longest chain of references, the first one included."""
MAX_REFERENCES: Final = 200
"""Prompts that are looked up for one, with repetitions on different ways to them."""
MAX_CHARACTERS: Final = 8_000_000
"""Of all texts that are put into a prompt: a reference may be repeated, on every level."""


@dataclass
class PromptGraph:
    """The references of a prompt, followed; ``dependencies`` are by the id of who refers."""

    root: dict[str, Any]
    dependencies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    looked_up: int = 0
    characters: int = 0

    def add_characters(self, number: int) -> None:
        """Count the characters that are put in; raises Invalid for too many."""
        self.characters += number
        if self.characters > MAX_CHARACTERS:
            raise Invalid(f"with its references, the prompt is longer than {MAX_CHARACTERS:,}")

    def answer(self) -> dict[str, Any] | None:
        """Return the graph in Langfuse's format; None: the prompt refers to none."""
        if not self.dependencies:
            return None
        return {"root": self.root, "dependencies": self.dependencies}


def resolve(name: str, version: int, prompt: Json) -> tuple[Json, PromptGraph]:
    """Return the prompt with its references filled in, and the graph of them.

    Raises Invalid where one can't be: a text with a reference must not be sent to a model.
    """
    graph = PromptGraph(_node(name, version))
    return _resolve(name, version, prompt, [name], graph), graph


def check_unused(name: str, gone: Collection[PromptVersion]) -> None:
    """Raise Invalid where another prompt refers to a version that is about to be deleted."""
    deleted = {row.version for row in gone}
    kept = [
        row
        for row in prompts.list_versions(current_project_id(), name)
        if row.version not in deleted
    ]
    labels = {label for row in kept for label in row.labels} | ({LATEST} if kept else set())
    users = [
        f"{user.name!r} version {user.version} refers to {reference}"
        for user in prompts.list_referring(current_project_id(), name)
        for reference in references_in(user.prompt)
        if reference.name == name and _breaks(reference, deleted, labels)
    ]
    if users:
        raise Invalid(f"Prompts are depending on this one, delete them first: {'; '.join(users)}")


def _breaks(reference: Reference, deleted: Collection[int], labels: Collection[str]) -> bool:
    if reference.version is not None:
        return reference.version in deleted
    return reference.label not in labels


def _resolve(name: str, version: int, prompt: Json, path: list[str], graph: PromptGraph) -> Json:
    texts = {
        reference: _text(reference, prompt_id(name, version), path, graph)
        for reference in references_in(prompt)
    }
    graph.add_characters(added_length(prompt, texts))
    return filled_in(prompt, texts)


def _text(reference: Reference, referring: str, path: list[str], graph: PromptGraph) -> str:
    if reference.name in path:
        circle = " → ".join([*path, reference.name])
        raise Invalid(f"Circular dependency: prompts refer to each other: {circle}")
    if len(path) >= MAX_DEPTH:
        raise Invalid(f"Maximum nesting depth exceeded: more than {MAX_DEPTH} prompts: {path}")
    graph.looked_up += 1
    if graph.looked_up > MAX_REFERENCES:
        raise Invalid(f"more than {MAX_REFERENCES} references to prompts have to be followed")
    row = prompts.get_version(
        current_project_id(), reference.name, version=reference.version, label=reference.label
    )
    if row is None:
        raise Invalid(f"Prompt dependency not found: {reference}")
    if row.type != "text":
        raise Invalid(f"Prompt dependency is not a text prompt: {reference}")
    graph.dependencies.setdefault(referring, []).append(_node(row.name, row.version))
    text = str(_resolve(row.name, row.version, row.prompt, [*path, row.name], graph))
    # Before the next one is read: together they wait in memory.
    graph.add_characters(len(text))
    return text


def _node(name: str, version: int) -> dict[str, Any]:
    return {"name": name, "version": version, "id": prompt_id(name, version)}
