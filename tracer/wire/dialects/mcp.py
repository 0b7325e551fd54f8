"""The Model Context Protocol, https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/."""

from __future__ import annotations

import re
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import choice, opened, text, value_at
from tracer.wire.dialects.table import NAME, Dialect, Rule

_CALL: Final = "tools/call"
_NAME: Final = re.compile(rf"(?:.* )?{_CALL} (?P<tool>\S.*)", re.DOTALL)


def _tool(name: Json) -> str | None:
    """Return the tool of ``MCP send tools/call search`` (client) or ``tools/call search``."""
    match = _NAME.fullmatch(str(name))
    return match["tool"].strip() if match else None


def _named(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the tool's name in the arguments of a call; requests of prompts have a name too."""
    return parts.get("tool") if parts.get("method") == _CALL else None, True


def _kind(method: Json) -> str:
    return "tool" if method == _CALL else "span"


# A call of a tool has a span in the client and one in the server, below it where the client sends
# its context along.
DIALECT: Final = Dialect(
    "mcp",
    scopes=("mcp-python-sdk", "fastmcp"),
    rules=(
        Rule("kind", "mcp.method.name", _kind, keep=True),
        Rule("kind", "rpc.method", choice({_CALL: "tool"}), keep=True),
        Rule("name", "mcp.tool.name", text, keep=True),
        Rule("name", NAME, _tool, late=True),
        *(
            Rule("name", key, parse, part, _named, json=True, late=True, detail=True)
            for key, parse, part in (
                ("mcp.method.name", text, "method"),
                ("mcp.request.argument", value_at("name", "params.name", parse=text), "tool"),
            )
        ),
        Rule("input", "mcp.request.argument", opened, json=True),
        Rule("output", "mcp.response.value", opened, json=True),
    ),
)
