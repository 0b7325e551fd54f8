"""What a call of a model is, before a dialect says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Json = Any


class Model(NamedTuple):
    """A model as a program asks for it, as the answer names it, and how fast it writes."""

    name: str
    served: str
    provider: str
    speed: float
    """Tokens per second."""
    reasons: bool = False


GPT_4O: Final = Model("gpt-4o", "gpt-4o-2024-11-20", "openai", 85)
GPT_4O_MINI: Final = Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", 120)
SONNET: Final = Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 68, True)
FLASH: Final = Model("gemini-2.5-flash", "gemini-2.5-flash", "gcp.gemini", 190, True)
EMBEDDING: Final = Model("text-embedding-3-small", "text-embedding-3-small", "openai", 10_000)
HOUSE: Final = Model("house-translate-7b", "house-translate-7b", "house", 45)
"""On no price list."""


@dataclass(frozen=True)
class ToolCall:
    """A model's wish that a tool be run."""

    id: str
    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Message:
    """One message of a conversation with a model."""

    role: str
    text: str = ""
    calls: Sequence[ToolCall] = ()
    answers: str = ""
    """Of a tool's message: the id of the call that it answers."""
    thought: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens; those read from a cache are counted in ``input``, those of thought in ``output``."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Call:
    """A finished call of a model."""

    model: Model
    messages: Sequence[Message]
    answer: Message
    usage: Usage
    finish: str = "stop"
    parameters: Mapping[str, float | int] = field(default_factory=dict)


def system(text: str) -> Message:
    """Return instructions."""
    return Message("system", text)


def user(text: str) -> Message:
    """Return what a user says."""
    return Message("user", text)


def tokens(*messages: Message) -> int:
    """Return about how many tokens messages have."""
    length = sum(
        len(message.text) + len(message.thought) + sum(len(str(c.arguments)) for c in message.calls)
        for message in messages
    )
    return length // 4 + 4 * len(messages)
