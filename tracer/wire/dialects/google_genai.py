"""OpenTelemetry's instrumentation of Google Gen AI: its own names of tools' values and settings."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import present
from tracer.wire.dialects.table import Dialect, Rule, as_object

_VALUE: Final = ".value"


def _arguments(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return a tool's arguments without their types."""
    return {
        name.removesuffix(_VALUE): value for name, value in parts.items() if name.endswith(_VALUE)
    }, True


DIALECT: Final = Dialect(
    "google_genai",
    scopes=("opentelemetry.instrumentation.google_genai",),
    rules=(
        Rule("input", "code.function.parameters.*", build=_arguments, json=True, scoped=True),
        Rule("output", "code.function.return.value", present, json=True, scoped=True),
        Rule("model_parameters", "gcp.gen_ai.operation.config.*", present, build=as_object),
    ),
)
