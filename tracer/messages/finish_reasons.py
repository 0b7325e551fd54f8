"""Why the choices of an answer ended, where only the answer itself tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracer.messages.message import finish_reason
from tracer.records import Json

_CHOICES: Final = ("choices", "candidates", "generations", "output")
_INNER: Final = ("message", "generation_info", "response_metadata", "kwargs")
"""Objects of a choice that may tell it in its place."""
_MAX_CHOICES: Final = 64


def finish_reasons(output: Json) -> list[str]:
    """Return the reasons in the order of the choices; empty: the answer tells none."""
    if isinstance(output, dict):
        if reason := finish_reason(output):
            return [reason]
        choices = next((output[name] for name in _CHOICES if output.get(name)), None)
    else:
        choices = output
    if not isinstance(choices, list):
        return []
    return [reason for choice in _flat(choices) if (reason := _reason(choice, 2))]


def _flat(choices: list[Json]) -> Iterator[Json]:
    """Yield the choices; LangChain has a list of them for each prompt."""
    for choice in choices[:_MAX_CHOICES]:
        if isinstance(choice, list):
            yield from choice[:_MAX_CHOICES]
        else:
            yield choice


def _reason(choice: Json, depth: int) -> str | None:
    if not isinstance(choice, dict):
        return None
    if reason := finish_reason(choice):
        return reason
    if depth == 0:
        return None
    inner = (choice[name] for name in _INNER if name in choice)
    return next((reason for value in inner if (reason := _reason(value, depth - 1))), None)
