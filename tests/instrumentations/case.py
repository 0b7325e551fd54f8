"""An instrumentation: how to run it, and the expected result."""

from __future__ import annotations

from typing import Final

import msgspec

from tests.instrumentations.judging import Provider, Scene

OPENAI: Final = Provider("openai", "gpt-4o", "gpt-4o-2024-08-06", ("temperature", 0.2))
ANTHROPIC: Final = Provider(
    "anthropic",
    "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929",
    ("max_tokens", 500),
    reports_reasoning=False,
    cache_written=100,
)
BEDROCK: Final = Provider(
    "aws.bedrock",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ("max_tokens", 500),
    reports_reasoning=False,
)
GEMINI: Final = Provider("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash", ("temperature", 0.2))


class Case(msgspec.Struct):
    """One instrumentation: how its application is run and what has to come of it."""

    name: str
    title: str
    application: str
    requirements: tuple[str, ...]
    scenes: tuple[Scene, ...]
    provider: Provider = OPENAI
    variables: dict[str, str] = {}
    """What its own documentation recommends to set; ``{models}`` stands for the provider's URL."""
    not_sent: dict[str, str] = {}
    """Why a field, or ``scene.field``, isn't there: it isn't sent."""
    wrong: dict[str, str] = {}
    """Why a field is not the truth: it is sent wrong."""


NO_ATTRIBUTE: Final = "the instrumentation has no attribute for it"
NO_FIRST_TOKEN: Final = "no value has the time of the first token"
STREAMS_SEND_REQUESTED: Final = "a stream sends the requested model as the responding one"


def alone(call: str) -> tuple[Scene, ...]:
    """Return a stream and a failure in which the call is all there is."""
    return (
        Scene("stream", "stream", f"generation {call}", call),
        Scene("failure", "failure", f"generation {call}", call),
    )
