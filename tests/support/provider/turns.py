"""The responses of the stand-in provider, the same in each API."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

ANSWER: Final = "Rayleigh scattering: short waves scatter most."
"""To a question without tools."""
FORECAST: Final = "It is 18 degrees and sunny in Paris."
"""To a question whose tool has been called."""
ARGUMENTS: Final = {"city": "Paris"}
CALL_ID: Final = "call_1"
CREATED: Final = 1_767_225_600

SERVED: Final = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
"""Responses have the name of the exact model version."""


class Counts(NamedTuple):
    """Tokens as OpenAI counts them: input includes the cached, output the reasoning tokens."""

    input: int
    cached: int
    output: int
    reasoning: int


FIRST: Final = Counts(1_200, 1_000, 90, 40)
AFTER_TOOL: Final = Counts(1_300, 1_100, 30, 10)
EMBEDDING_TOKENS: Final = 12


class Turn(NamedTuple):
    """One answer: a text, or the name of the tool to call."""

    text: str | None
    tool: str | None
    counts: Counts
    number: int = 1
    """Its number in the conversation, from which the ids of the answer are made."""

    def pieces(self) -> list[str]:
        """Return the text as it is streamed."""
        return re.findall(r"\S+\s*", self.text or "")


def next_turn(tools: list[str], answered: bool) -> Turn:
    """Return the turn after a conversation; ``answered``: the conversation has a tool's result."""
    if answered:
        return Turn(FORECAST, None, AFTER_TOOL, 2)
    if tools:
        return Turn(None, tools[0], FIRST)
    return Turn(ANSWER, None, FIRST)


def served_model(model: str) -> str:
    """Return the name that the answer gives the model."""
    return SERVED.get(model, model)


def failure_status(model: str) -> int | None:
    """Return 429 for a model named ``fail-429``, None for one that doesn't fail."""
    match = re.search(r"fail-(\d{3})", model)
    return int(match[1]) if match else None


Json = dict[str, Any]
