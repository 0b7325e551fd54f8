"""OpenLIT, https://docs.openlit.io: what it adds to OpenTelemetry's conventions."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import (
    choice,
    opened,
    present,
    seconds,
    text,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule

_KINDS: Final = words(
    {
        "generation": "image audio video speech",
        "chain": "framework workflow",
        "agent": "agent",
        "tool": "tool tools",
        "retriever": "vectordb",
    }
)

DIALECT: Final = Dialect(
    "openlit",
    scopes=("openlit*",),
    rules=(
        Rule("kind", "gen_ai.operation.name", choice(_KINDS), keep=True, scoped=True),
        Rule("first_token_delay", "gen_ai.server.ttft", seconds),
        Rule("input", "gen_ai.content.prompt", present, json=True),
        Rule("output", "gen_ai.content.completion", present, json=True),
        Rule("input", "gen_ai.tool.input", opened, json=True),
        Rule("input", "gen_ai.tool.args", opened, json=True),
        Rule("output", "gen_ai.tool.output", opened, json=True),
        Rule("input", "gen_ai.workflow.input", opened, json=True),
        Rule("output", "gen_ai.workflow.output", opened, json=True),
        Rule("input", "gen_ai.agent.input", opened, json=True),
        Rule("output", "gen_ai.agent.output", opened, json=True),
        Rule("trace.environment", "gen_ai.environment", text, keep=True),
    ),
)
