"""References between prompts: checked at creation and deletion, replaced when a prompt is read."""

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
"""Greatest number of prompts in a chain of references, including the first one."""
MAX_REFERENCES: Final = 200
"""Greatest number of references that are followed for one prompt, repeated ones included."""
MAX_CHARACTERS: Final = 8_000_000
"""Longest sum of all inserted texts: a reference may be repeated, on every level."""


@dataclass
class PromptGraph:
    """The references of a prompt; ``dependencies`` are by the id of the referring prompt."""

    root: dict[str, Any]
    dependencies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    looked_up: int = 0
    characters: int = 0

    def add_characters(self, count: int) -> None:
        """Count inserted characters; raises Invalid for too many."""
        self.characters += count
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


def check_unused(name: str, versions: Collection[PromptVersion]) -> None:
    """Raise Invalid where another prompt refers to a version that is about to be deleted."""
    deleted = {row.version for row in versions}
    kept = [
        row
        for row in prompts.list_versions(current_project_id(), name)
        if row.version not in deleted
    ]
    labels = {label for row in kept for label in row.labels} | ({LATEST} if kept else set())
    dependents = [
        f"{dependent.name!r} version {dependent.version} refers to {reference}"
        for dependent in prompts.list_referring(current_project_id(), name)
        for reference in references_in(dependent.prompt)
        if reference.name == name and _breaks(reference, deleted, labels)
    ]
    if dependents:
        raise Invalid(
            f"Prompts are depending on this one, delete them first: {'; '.join(dependents)}"
        )


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
    # Counted before the next text is read: all of them stay in memory.
    graph.add_characters(len(text))
    return text


def _node(name: str, version: int) -> dict[str, Any]:
    return {"name": name, "version": version, "id": prompt_id(name, version)}
