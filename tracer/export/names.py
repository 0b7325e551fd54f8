"""Names of the attributes that carry fields without an OTLP equivalent in exported spans.

The attribute ``tracer.export`` marks a span as exported: every other ``tracer.<field>`` attribute
holds the field of that name, JSON values as text. ``tracer.export.otlp`` writes these attributes,
and ``tracer.wire.exported.spans`` reads them.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "tracer."
MARK: Final = "tracer.export"
VERSION: Final = 1

TRACE: Final = "tracer.trace"
"""Attribute of a resource without spans: the trace's own fields, as JSON."""
SCORES: Final = "tracer.scores"
"""Attribute of a resource without spans: ``{"trace_id", "scores"}`` as JSON."""

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
"""Span fields exported as plain attribute values."""
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
"""Span fields exported as JSON text."""
NATIVE: Final = ("attributes", "events", "links", "resource", "scope")
"""Fields that OTLP has; also exported as JSON if OTLP's form would change them."""
