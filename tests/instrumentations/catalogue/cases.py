"""The instrumentations, and what each must become: trees, and the fields that it doesn't send.

A field that a case doesn't name must be there and equal what the provider really said. Those that
it names must not be: when a newer version sends one, its test fails until the name is taken out.
"""

from __future__ import annotations

from typing import Final

from tests.instrumentations.case import Case
from tests.instrumentations.catalogue import by_logs, clients, frameworks, more_frameworks

CASES: Final[tuple[Case, ...]] = (
    clients.OPENINFERENCE_OPENAI,
    clients.OPENINFERENCE_ANTHROPIC,
    clients.OPENINFERENCE_GOOGLE_GENAI,
    clients.OPENLLMETRY_OPENAI,
    clients.OPENLLMETRY_ANTHROPIC,
    by_logs.OTEL_OPENAI,
    by_logs.BOTOCORE_BEDROCK,
    frameworks.LANGCHAIN_OPENINFERENCE,
    frameworks.LANGCHAIN_OPENLLMETRY,
    frameworks.LANGSMITH,
    frameworks.LLAMAINDEX,
    clients.LITELLM,
    frameworks.OPENAI_AGENTS,
    frameworks.PYDANTIC_AI,
    frameworks.CREWAI,
    frameworks.SEMANTIC_KERNEL,
    clients.MLFLOW,
    frameworks.GOOGLE_ADK,
    frameworks.VERCEL_AI,
    more_frameworks.STRANDS,
    more_frameworks.HAYSTACK,
    more_frameworks.SMOLAGENTS,
    more_frameworks.MASTRA,
    more_frameworks.TRACELOOP_NODE,
    more_frameworks.MCP,
)
