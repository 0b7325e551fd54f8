"""Fields of spans and traces, and the attributes that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict, get_type_hints

from opentelemetry import trace
from opentelemetry.trace import SpanContext

from tracer.sdk._values import Time, nanoseconds, to_json

# OpenTelemetry's name of an attribute where it has one, else ``tracer.*``.
KIND: Final = "tracer.kind"
LEVEL: Final = "tracer.level"
INPUT: Final = "tracer.input"
OUTPUT: Final = "tracer.output"
METADATA: Final = "tracer.metadata"
MODEL: Final = "gen_ai.request.model"
USAGE: Final = "tracer.usage"
COST: Final = "tracer.cost"
FIRST_TOKEN: Final = "tracer.first_token_time"  # noqa: S105 - a name
SESSION: Final = "session.id"
USER: Final = "user.id"
TAGS: Final = "tracer.trace.tags"
TRACE_METADATA: Final = "tracer.trace.metadata"

Parent = trace.Span | SpanContext | str
"""A span, its context, or a traceparent header."""

# The functions that make an attribute from a field's value and the longest text allowed.


def _unchanged(value: Any, _limit: int) -> Any:
    return value


def _text(value: Any, _limit: int) -> Any:
    return str(value)


def _texts(value: Any, _limit: int) -> Any:
    return [str(text) for text in value]


def _costs(value: Any, limit: int) -> Any:
    return to_json(value if isinstance(value, Mapping) else {"total": value}, limit)


def _time(value: Any, _limit: int) -> Any:
    return nanoseconds(value)


class CommonFields(TypedDict, total=False):
    """The fields of a span that are accepted at its start and later; None leaves one unchanged."""

    input: Annotated[Any, INPUT, to_json]
    output: Annotated[Any, OUTPUT, to_json]
    metadata: Annotated[Mapping[str, Any] | None, METADATA, to_json]
    """Merged with the metadata that the span already has."""
    level: Annotated[str | None, LEVEL, _text]
    """debug, default, warning, error."""
    status_message: Annotated[str | None, "tracer.status_message", _text]
    model: Annotated[str | None, MODEL, _text]
    model_parameters: Annotated[Mapping[str, Any] | None, "tracer.model_parameters", to_json]
    provider: Annotated[str | None, "gen_ai.provider.name", _text]
    usage: Annotated[Any, USAGE, to_json]
    """Tokens by type, or the provider's own object."""
    cost: Annotated[Mapping[str, float] | float | None, COST, _costs]
    """US dollars, by type or in total."""
    completion_start: Annotated[Time | None, FIRST_TOKEN, _time]
    """Time of the first token."""
    prompt: Annotated[str | tuple[str, int] | None, "tracer.prompt.name", _text]
    """Name of the prompt, or its name and version."""


class Fields(CommonFields, total=False):
    """The arguments of ``Span.update``."""

    name: str | None
    kind: Annotated[str | None, KIND, _text]


class Options(CommonFields, total=False):
    """The arguments of ``start`` and of the helper for each kind."""

    parent: Parent | None
    """None: the current span."""
    start_time: Time | None
    trace_id: str | int | None
    """32 hex digits."""
    span_id: str | int | None
    """16 hex digits."""
    links: Sequence[trace.Span | SpanContext]


class TraceFields(TypedDict, total=False):
    """The arguments of ``Span.update_trace``."""

    name: Annotated[str | None, "tracer.trace.name", _text]
    input: Annotated[Any, "tracer.trace.input", to_json]
    output: Annotated[Any, "tracer.trace.output", to_json]
    metadata: Annotated[Mapping[str, Any] | None, TRACE_METADATA, to_json]
    tags: Annotated[Sequence[str] | None, TAGS, _texts]
    user: Annotated[str | None, USER, _text]
    session: Annotated[str | None, SESSION, _text]
    public: Annotated[bool | None, "tracer.trace.public", _unchanged]


def _writers(fields: type) -> dict[str, tuple[str, Callable[[Any, int], Any]]]:
    """Return the attribute of each field, and the function that makes its value."""
    hints = get_type_hints(fields, include_extras=True)
    return {name: getattr(hint, "__metadata__", ("", _unchanged)) for name, hint in hints.items()}


FIELDS: Final = _writers(Fields)
TRACE_FIELDS: Final = _writers(TraceFields)
