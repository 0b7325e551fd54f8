"""Reads finish reasons from a model's answer."""

from __future__ import annotations

from typing import Final

from tracer.messages.message import REASON_FIELDS, finish_reason
from tracer.records import Json

_CHOICES: Final = ("choices", "candidates", "generations", "output", "outputs", "results")
_LISTS: Final = frozenset((*_CHOICES, "messages"))
_INNER: Final = frozenset(("message", "generation_info", "response_metadata", "kwargs"))
"""Objects of a choice that may contain its finish reason."""
_FIELDS: Final = _INNER | REASON_FIELDS
_MAX_CHOICES: Final = 64
_MAX_DEPTH: Final = 3


def finish_reasons(output: Json) -> list[str]:
    """Return the reasons in the order of the choices; empty: the answer has none."""
    if isinstance(output, dict):
        if reason := _reason(output, _MAX_DEPTH):
            return [reason]
        output = _choices(output)
    if not isinstance(output, list):
        return []
    reasons: list[str] = []
    for choice in output[:_MAX_CHOICES]:
        if isinstance(choice, dict):
            if not _FIELDS.isdisjoint(choice) and (reason := _reason(choice, _MAX_DEPTH)):
                reasons.append(reason)
        elif isinstance(choice, list):
            # LangChain has a list of choices for each prompt.
            inner = [item for item in choice[:_MAX_CHOICES] if isinstance(item, dict)]
            reasons += [reason for item in inner if (reason := _reason(item, _MAX_DEPTH))]
    return reasons


def _choices(answer: dict[str, Json]) -> Json:
    if _LISTS.isdisjoint(answer):
        return None
    for name in _CHOICES:
        if choices := answer.get(name):
            return choices
    # Of a whole conversation the last message is the answer.
    messages = answer.get("messages")
    return messages[-1:] if isinstance(messages, list) else None


def _reason(choice: dict[str, Json], depth: int) -> str | None:
    if not REASON_FIELDS.isdisjoint(choice) and (reason := finish_reason(choice)):
        return reason
    if depth == 0 or _INNER.isdisjoint(choice):
        return None
    for name in _INNER:
        value = choice.get(name)
        if isinstance(value, dict) and (reason := _reason(value, depth - 1)):
            return reason
    return None
