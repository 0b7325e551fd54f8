"""The examples: what each needs, and what it prints in the end."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.support.environments import OTEL
from tests.support.provider.turns import ANSWER, FORECAST


class Example(NamedTuple):
    """A script below ``examples/``, the packages it is run with, and its answer."""

    script: str
    requirements: tuple[str, ...]
    root: str
    says: str = FORECAST

    @property
    def environment(self) -> str:
        """Name of the environment that it is run in."""
        return "example-" + self.script.removesuffix(".py").replace("/", "-")


OPENAI: Final = Example(
    "openai_chat.py", (*OTEL, "openai", "openinference-instrumentation-openai"), "answer"
)
SERVICES: Final = Example(
    "two_services/api.py",
    (*OTEL, "fastapi", "uvicorn", "httpx", "opentelemetry-instrumentation-fastapi"),
    "GET /ask",
)
INSTALLED: Final = (
    Example(
        "anthropic_chat.py",
        (*OTEL, "anthropic", "openinference-instrumentation-anthropic"),
        "answer",
    ),
    Example(
        "langgraph_agent.py",
        (*OTEL, "langchain", "langchain-openai", "openinference-instrumentation-langchain"),
        "ask",
    ),
    Example(
        "llamaindex_agent.py",
        (
            *(*OTEL, "llama-index-core", "llama-index-llms-openai"),
            "openinference-instrumentation-llama-index",
        ),
        "ask",
    ),
    Example(
        "litellm_chat.py",
        (*OTEL, "litellm", "openinference-instrumentation-litellm"),
        "ask",
        ANSWER,
    ),
    Example(
        "openai_agents.py",
        (*OTEL, "openai-agents", "openinference-instrumentation-openai-agents"),
        "ask",
    ),
    Example("pydantic_ai_agent.py", (*OTEL, "pydantic-ai-slim[openai]"), "ask"),
)
"""Those that bring frameworks along, each into an environment of its own."""

EXAMPLES: Final = (OPENAI, *INSTALLED, SERVICES)
