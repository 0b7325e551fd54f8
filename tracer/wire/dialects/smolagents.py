"""smolagents: its names in addition to OpenInference's."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import present, texts
from tracer.wire.dialects.table import Dialect, Rule


def _named_tools(value: Json) -> list[Json] | None:
    """Return the tools by their names; nothing else is sent."""
    return [{"name": name} for name in texts(value) or []] or None


DIALECT: Final = Dialect(
    "smolagents",
    scopes=("openinference.instrumentation.smolagents",),
    rules=(
        Rule("tools", "smolagents.tools_names", _named_tools, json=True),
        # The arguments of the run contain the task, so it is the input only without them.
        Rule("input", "smolagents.task", present, late=True),
        Rule("metadata", "smolagents.*", json=True),
    ),
)
