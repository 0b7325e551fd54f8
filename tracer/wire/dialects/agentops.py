"""AgentOps' SDK, https://docs.agentops.ai: decorators, frameworks, and providers' calls."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.flat import rebuild
from tracer.wire.dialects.parsers import (
    choice,
    names,
    opened,
    present,
    seconds,
    text,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule

_KINDS: Final = words(
    {
        "agent": "agent agent.action agent.thinking agent.decision",
        "chain": "session workflow workflow.step task operation chain",
        "generation": "llm llm.call",
        "tool": "tool",
        "guardrail": "guardrail",
        "http": "http",
        "span": "text unknown",
    }
)
_DECORATED: Final = ("session", "workflow", "task", "operation", "agent", "tool", "guardrail")

DIALECT: Final = Dialect(
    "agentops",
    scopes=("agentops*",),
    rules=(
        Rule("kind", "agentops.span.kind", choice(_KINDS), keep=True),
        Rule("name", "tool.name", text, keep=True, scoped=True),
        *(
            Rule(side, f"agentops.{of}.{side}", opened, json=True)
            for of in ("entity", *_DECORATED)
            for side in ("input", "output")
        ),
        Rule("input", "tool.parameters", opened, json=True, scoped=True),
        Rule("output", "tool.result", opened, json=True, scoped=True),
        Rule("input", "workflow.input", present, json=True, scoped=True),
        Rule("output", "workflow.final_output", present, json=True, scoped=True),
        Rule("output", "workflow.output", present, json=True, scoped=True),
        Rule("input", "workflow.step.input", present, json=True, scoped=True),
        Rule("output", "workflow.step.output", present, json=True, scoped=True),
        Rule("tools", "gen_ai.request.tools.*", build=rebuild, json=True),
        Rule("tools", "gen_ai.request.functions.*", build=rebuild, json=True),
        Rule("first_token_delay", "gen_ai.streaming.time_to_first_token", seconds),
        Rule("trace.user_id", "workflow.user_id", text, keep=True, scoped=True),
        Rule("trace.session_id", "workflow.session_id", text, keep=True, scoped=True),
        Rule("trace.tags", "agentops.tags", names),
    ),
    resource=(Rule("trace.environment", "agentops.environment", text, keep=True),),
)
