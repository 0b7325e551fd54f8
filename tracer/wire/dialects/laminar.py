"""Laminar's SDKs and its plug-ins for Claude Code and Codex, https://docs.laminar.sh/tracing/otel."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import (
    choice,
    names,
    opened,
    text,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule

# DEFAULT is no kind: other attributes of the span decide.
_KINDS: Final = words(
    {
        "generation": "LLM",
        "tool": "TOOL",
        "chain": "EVALUATION EXECUTOR PIPELINE",
        "evaluator": "EVALUATOR HUMAN_EVALUATOR",
    }
)
_ASSOCIATED: Final = "lmnr.association.properties."

DIALECT: Final = Dialect(
    "laminar",
    scopes=("lmnr*",),
    rules=(
        Rule("kind", "lmnr.span.type", choice(_KINDS), keep=True),
        # A cached answer has the kind of the call that it replaces.
        Rule("kind", "lmnr.span.original_type", choice(_KINDS), keep=True),
        # Messages under OpenTelemetry's names are more exact, so these come later.
        Rule("input", "lmnr.span.input", opened, json=True, late=True),
        Rule("output", "lmnr.span.output", opened, json=True, late=True),
        Rule("trace.user_id", f"{_ASSOCIATED}user_id", text, keep=True),
        Rule("trace.session_id", f"{_ASSOCIATED}session_id", text, keep=True),
        Rule("trace.tags", f"{_ASSOCIATED}tags", names, json=True),
        Rule("metadata", f"{_ASSOCIATED}metadata.*", json=True),
    ),
)
