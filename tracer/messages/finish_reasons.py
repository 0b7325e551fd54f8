"""Reads finish reasons from a model's answer."""

from __future__ import annotations

from typing import Final

from tracer.messages.message import REASON_FIELDS, finish_reason
from tracer.records import Json

_CHOICES: Final = ("choices", "candidates", "generations", "output", "outputs", "results")
_INNER: Final = ("message", "generation_info", "response_metadata", "kwargs")
"""Objects of a choice that may contain its finish reason."""
_FIELDS: Final = REASON_FIELDS.union(_INNER)
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
            if reason := _reason(choice, _MAX_DEPTH):
                reasons.append(reason)
        elif isinstance(choice, list):
            # LangChain has a list of choices for each prompt.
            inner = [item for item in choice[:_MAX_CHOICES] if isinstance(item, dict)]
            reasons += [reason for item in inner if (reason := _reason(item, _MAX_DEPTH))]
    return reasons


def _choices(answer: dict[str, Json]) -> Json:
    for name in _CHOICES:
        if name in answer and (choices := answer[name]):
            return choices
    # In a whole conversation, the last message is the response.
    messages = answer.get("messages")
    return messages[-1:] if isinstance(messages, list) else None


def _reason(choice: dict[str, Json], depth: int) -> str | None:
    if _FIELDS.isdisjoint(choice):
        return None
    # Read first for speed: most responses have this key.
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and reason:
        return reason
    if reason := finish_reason(choice):
        return reason
    for name in _INNER if depth else ():
        value = choice.get(name)
        if isinstance(value, dict) and (reason := _reason(value, depth - 1)):
            return reason
    return None
