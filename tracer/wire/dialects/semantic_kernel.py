"""Microsoft's Semantic Kernel and Agent Framework: their names beside OpenTelemetry's."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    constant,
    count,
    opened,
    text,
    words,
)
from tracer.wire.dialects.table import NAME, Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_usage

_KINDS: Final = words(
    {
        "generation": "chat.completions chat.streaming_completions text.completions "
        "text.streaming_completions",
        "chain": "executor.process edge_group.process workflow.run workflow.build message.send",
    }
)


def _reason(value: Json) -> list[str] | None:
    """Return the finish reason of a member of a Python enumeration: ``FinishReason.STOP``."""
    reason = text(value)
    return [reason.removeprefix("FinishReason.").lower()] if reason else None


DIALECT: Final = Dialect(
    "semantic_kernel",
    scopes=("Microsoft.SemanticKernel*", "semantic_kernel*", "agent_framework*"),
    rules=(
        Rule("kind", "gen_ai.operation.name", choice(_KINDS), keep=True),
        Rule("kind", NAME, choice({"AutoFunctionInvocationLoop": "chain"}), scoped=True),
        Rule("kind", "semantic_kernel.function.name", constant("function"), keep=True, late=True),
        Rule("name", "semantic_kernel.function.name", text, keep=True),
        Rule("usage", "gen_ai.response.prompt_tokens", count, "prompt_tokens", inclusive_usage),
        Rule(
            "usage",
            "gen_ai.response.completion_tokens",
            count,
            "completion_tokens",
            inclusive_usage,
        ),
        Rule("finish_reasons", "gen_ai.response.finish_reason", _reason, scoped=True),
        Rule("input", "gen_ai.agent.invocation_input", opened, json=True),
        Rule("output", "gen_ai.agent.invocation_output", opened, json=True),
        Rule("input", "semantic_kernel.function.arguments", opened, json=True),
        Rule("output", "semantic_kernel.function.result", opened, json=True),
    ),
)
