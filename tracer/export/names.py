"""Attributes by which an exported span says what OTLP has no field for.

``tracer.export`` marks a span that says all of itself in such attributes: one named like a field
holds that field, a JSON value as its text. ``tracer.wire.exported.spans`` reads what
``tracer.export.otlp`` writes.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "tracer."
MARK: Final = "tracer.export"
VERSION: Final = 1

TRACE: Final = "tracer.trace"
"""Of a resource without spans: what was said of a trace, as JSON."""
SCORES: Final = "tracer.scores"
"""Of a resource without spans: ``{"trace_id", "scores"}``."""

SCALARS: Final = (
    "kind",
    "level",
    "status_message",
    "model",
    "requested_model",
    "provider",
    "cost_source",
    "priced_by",
    "call_id",
    "echo",
    "prompt_name",
    "prompt_version",
    "dialect",
    "version",
    "sent_parent_id",
)
ENCODED: Final = (
    "input",
    "output",
    "metadata",
    "usage",
    "cost",
    "model_parameters",
    "tools",
    "finish_reasons",
    "claimed",
    "notes",
    "patch",
)
NATIVE: Final = ("attributes", "events", "links", "resource", "scope")
"""Said by OTLP's own fields, and as JSON only where those would not bring them back unchanged."""
