"""The examples: what each needs, and what Tracer shows of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.instrumentations.environments import OTEL


class Example(NamedTuple):
    """A script below ``examples/`` and the tree that it becomes."""

    script: str
    requirements: tuple[str, ...]
    tree: tuple[str, ...]
    """Lines that have to be there: ``kind name``, indented as the spans are nested."""


def _needs(*packages: str) -> tuple[str, ...]:
    return (*OTEL, *packages)


EXAMPLES: Final = (
    Example(
        "openai_chat.py",
        _needs("openai", "openinference-instrumentation-openai"),
        ("agent answer", "  generation chat gpt-4o", "  tool get_weather"),
    ),
    Example(
        "anthropic_chat.py",
        _needs("anthropic", "openinference-instrumentation-anthropic"),
        ("agent answer", "  tool get_weather"),
    ),
    Example(
        "langgraph_agent.py",
        _needs("langchain", "langchain-openai", "openinference-instrumentation-langchain"),
        ("agent ask",),
    ),
    Example(
        "llamaindex_agent.py",
        _needs(
            "llama-index-core",
            "llama-index-llms-openai",
            "openinference-instrumentation-llama-index",
        ),
        ("agent ask",),
    ),
    Example(
        "litellm_chat.py",
        _needs("litellm", "openinference-instrumentation-litellm"),
        ("chain ask",),
    ),
    Example(
        "openai_agents.py",
        _needs("openai-agents", "openinference-instrumentation-openai-agents"),
        ("chain ask",),
    ),
    Example(
        "pydantic_ai_agent.py",
        _needs("pydantic-ai-slim[openai]"),
        ("chain ask",),
    ),
    Example(
        "two_services/api.py",
        _needs("fastapi", "uvicorn", "httpx", "opentelemetry-instrumentation-fastapi"),
        (),
    ),
)
