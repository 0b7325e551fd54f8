"""Model calls with messages and usage, independent of any attribute dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Json = Any


class Model(NamedTuple):
    """A model: the requested name, the name in responses, the provider and the output speed."""

    name: str
    served: str
    provider: str
    speed: float
    """Tokens per second."""
    has_reasoning: bool = False


GPT_4O: Final = Model("gpt-4o", "gpt-4o-2024-11-20", "openai", 85)
GPT_4O_MINI: Final = Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", 120)
SONNET: Final = Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 68, True)
FLASH: Final = Model("gemini-2.5-flash", "gemini-2.5-flash", "gcp.gemini", 190, True)
EMBEDDING: Final = Model("text-embedding-3-small", "text-embedding-3-small", "openai", 10_000)
IN_HOUSE: Final = Model("house-translate-7b", "house-translate-7b", "house", 45)
"""A model without a list price."""


@dataclass(frozen=True)
class ToolCall:
    """A tool call in a model's answer."""

    id: str
    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class Message:
    """One message of a conversation with a model."""

    role: str
    text: str = ""
    calls: Sequence[ToolCall] = ()
    call_id: str = ""
    """The id of the tool call whose result the message is."""
    thought: str = ""


@dataclass(frozen=True)
class Usage:
    """Token counts; ``input`` includes ``cached``, ``output`` includes ``reasoning``."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Call:
    """A finished model call."""

    model: Model
    messages: Sequence[Message]
    answer: Message
    usage: Usage
    finish: str = "stop"
    parameters: Mapping[str, float | int] = field(default_factory=dict)


def system(text: str) -> Message:
    """Return a system message."""
    return Message("system", text)


def user(text: str) -> Message:
    """Return a user message."""
    return Message("user", text)


def tokens(*messages: Message) -> int:
    """Return the estimated number of tokens of messages."""
    length = sum(
        len(message.text)
        + len(message.thought)
        + sum(len(str(call.arguments)) for call in message.calls)
        for message in messages
    )
    return length // 4 + 4 * len(messages)
