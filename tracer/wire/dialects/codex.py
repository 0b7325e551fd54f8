"""Codex: its own exporter, and what its plug-in of Laminar adds, https://github.com/openai/codex."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import constant, count, text
from tracer.wire.dialects.table import NAME, Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_usage

_TURN: Final = "codex.turn.token_usage."
_COUNTS: Final = {
    "input_tokens": "input",
    "cached_input_tokens": "cache_read",
    "cache_write_input_tokens": "cache_write",
    "output_tokens": "output",
    "reasoning_output_tokens": "reasoning",
    "total_tokens": "total",
}
_OF_ANSWERS: Final = ("input_tokens", "output_tokens", "cache_read.input_tokens")


def _model(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return a turn's model; the spans below a turn name it too, but are no model calls."""
    return (parts["model"], True) if len(parts) == 2 else (None, False)


def _nothing(_: dict[str, Json]) -> tuple[Json, bool]:
    """Ignore the counts of single answers: their spans have no model, and the turn has the sum."""
    return {}, False


def _conversation(value: Json) -> str | None:
    """Return a conversation's id; a number under the same name is that of a thread of Codex."""
    return text(value) if isinstance(value, str) and "-" in value else None


DIALECT: Final = Dialect(
    "codex",
    scopes=("codex*", "Codex*"),
    rules=(
        Rule("kind", "codex.tool.name", constant("tool"), keep=True),
        Rule("name", "codex.tool.name", text, keep=True),
        # A turn: the agent's work for one message of its user.
        Rule("kind", f"{_TURN}total_tokens", constant("agent"), keep=True),
        Rule("kind", "codex.turn.reasoning_effort", constant("agent"), keep=True),
        Rule("kind", NAME, constant("span"), scoped=True, late=True),
        Rule("model", "model", text, "model", _model, scoped=True),
        Rule("model", f"{_TURN}total_tokens", count, "turn", _model, scoped=True, detail=True),
        *(
            Rule("usage", _TURN + name, count, usage_type, inclusive_usage)
            for name, usage_type in _COUNTS.items()
        ),
        *(
            Rule("usage", f"gen_ai.usage.{name}", count, name, _nothing, scoped=True)
            for name in _OF_ANSWERS
        ),
        Rule("trace.session_id", "conversation.id", text, keep=True, scoped=True),
        Rule("trace.session_id", "thread.id", _conversation, keep=True, scoped=True),
    ),
)
