"""smolagents: what its OpenInference instrumentation says in names of its own."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.table import Dialect, Rule, present, texts


def _named_tools(value: Json) -> list[Json] | None:
    """Return the tools, of which only the names are sent."""
    return [{"name": name} for name in texts(value) or []] or None


DIALECT: Final = Dialect(
    "smolagents",
    scopes=("openinference.instrumentation.smolagents",),
    rules=(
        Rule("tools", "smolagents.tools_names", _named_tools, json=True),
        # The run's arguments hold the task, so it is the input only where they were left out.
        Rule("input", "smolagents.task", present, late=True),
        Rule("metadata", "smolagents.*", json=True),
    ),
)
