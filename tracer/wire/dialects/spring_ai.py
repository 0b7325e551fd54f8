"""Spring AI, https://docs.spring.io/spring-ai/reference/observability/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    constant,
    opened,
    present,
    text,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule

_KINDS: Final = words(
    {"chain": "chat_client advisor", "tool": "tool_call", "retriever": "vector_store"}
)


def _prompt_messages(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the client's prompt as messages."""
    return [
        {"role": role, "content": parts[role]} for role in ("system", "user") if role in parts
    ], True


DIALECT: Final = Dialect(
    "spring_ai",
    rules=(
        Rule("kind", "spring.ai.kind", choice(_KINDS), keep=True),
        Rule("name", "spring.ai.tool.definition.name", text, keep=True),
        Rule("kind", "spring.ai.tool.definition.name", constant("tool"), keep=True),
        Rule("input", "spring.ai.chat.client.system.text", present, "system", _prompt_messages),
        Rule("input", "spring.ai.chat.client.user.text", present, "user", _prompt_messages),
        Rule("input", "spring.ai.tool.call.arguments", opened, json=True),
        Rule("output", "spring.ai.tool.call.result", opened, json=True),
        Rule("input", "db.vector.query.content", present),
        Rule("output", "db.vector.query.response.documents", opened, json=True),
        Rule("trace.session_id", "spring.ai.chat.client.conversation.id", text, keep=True),
    ),
)
