"""Requests of the JSON API: one Struct per request validates and describes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.records import Json
from tracer.wire.reading import invalid_field

T = TypeVar("T")
Maybe: TypeAlias = T | UnsetType | None
"""Absent, null or a value: an update clears null fields and keeps absent ones."""

MAX_ITEMS: Final = 10_000
"""Items of one batch."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Later times could not be read back: in a time zone ahead of UTC they exceed Python's range.
END_OF_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

Id = Annotated[
    str, Meta(min_length=1, max_length=800, description="1 to 800 characters, no controls")
]
Text = Annotated[str, Meta(max_length=2000)]
Label = Annotated[str, Meta(max_length=200)]
Tag = Label | int | float | bool
"""Numbers and booleans become the text that they are in JSON."""
Time = Annotated[
    datetime,
    Meta(
        description="ISO 8601, 1970 to 9998; UTC where it names no zone",
        extra_json_schema={"format": "date-time"},
    ),
]
Count = Annotated[int, Meta(ge=0, le=10**12)]
# A cost of more than a billion dollars is a wrong unit, and would distort all sums.
Dollars = Annotated[float, Meta(ge=0, le=1e9)]
Kind = Literal[
    "span",
    "generation",
    "event",
    "agent",
    "chain",
    "tool",
    "function",
    "retriever",
    "retrieval",
    "embedding",
    "reranker",
    "evaluator",
    "guardrail",
    "database",
    "http",
]
Level = Literal["debug", "default", "warning", "error"]
DataType = Literal["numeric", "categorical", "boolean", "text"]


class Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of all requests: ids and times are validated, unknown fields rejected."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime):
                micros(value, name)
            elif isinstance(value, str) and (name == "id" or name.endswith("_id")):
                check_id(value, name)

    def sent_fields(self) -> dict[str, Json]:
        """Return the sent fields by name, including nulls."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in values if value is not UNSET}


class SpanUpdate(Request, kw_only=True):
    """Fields of a span; an update changes those it names and clears those that are null."""

    parent_id: Maybe[Id] = UNSET
    parent_span_id: Annotated[Maybe[Id], Meta(description="the same as parent_id")] = UNSET
    kind: Kind | UnsetType = UNSET
    name: Maybe[Text] = UNSET
    start_time: Annotated[
        Maybe[Time], Meta(description="the time of receipt where a new span names none")
    ] = UNSET
    end_time: Annotated[Maybe[Time], Meta(description="absent: the span is running")] = UNSET
    completion_start_time: Annotated[Maybe[Time], Meta(description="when the first token came")] = (
        UNSET
    )
    level: Level | UnsetType = UNSET
    status_message: Maybe[str] = UNSET
    model: Maybe[Text] = UNSET
    provider: Maybe[Text] = UNSET
    model_parameters: Maybe[dict[str, Any]] = UNSET
    usage: Annotated[
        Maybe[dict[str, Any]],
        Meta(
            description="tokens by type: input, output, cache_read, cache_write, reasoning, …, or"
            " a provider's own object; what is no count is left out"
        ),
    ] = UNSET
    cost: Annotated[Maybe[dict[str, Dollars]], Meta(description="dollars by usage type")] = UNSET
    total_cost: Annotated[Maybe[Dollars], Meta(description="dollars, instead of cost")] = UNSET
    prompt_name: Maybe[Text] = UNSET
    prompt_version: Maybe[Annotated[int, Meta(ge=0, le=2**31 - 1)]] = UNSET
    input: Annotated[Any, Meta(description="any JSON")] = UNSET
    output: Annotated[Any, Meta(description="any JSON")] = UNSET
    metadata: Annotated[Maybe[dict[str, Any]], Meta(description="merged by key")] = UNSET
    attributes: Maybe[dict[str, Any]] = UNSET
    events: Maybe[list[SpanEvent]] = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of(self, "parent_id", "parent_span_id")
        _one_of(self, "cost", "total_cost")


class SpanEvent(Request, kw_only=True):
    """An event at a moment within a span."""

    name: Text
    time: Time
    attributes: dict[str, Any] = {}


class SpanCreate(SpanUpdate, kw_only=True):
    """A new span, or a full new record of it."""

    id: Annotated[Id | UnsetType, Meta(description="made by the server where absent")] = UNSET


class BatchSpan(SpanCreate, kw_only=True):
    """A span of a batch, which names its trace."""

    trace_id: Id


class TraceUpdate(Request, kw_only=True):
    """Fields of a trace; an update changes those it names and clears those that are null."""

    name: Maybe[Text] = UNSET
    user_id: Maybe[Id] = UNSET
    session_id: Maybe[Id] = UNSET
    environment: Maybe[Label] = UNSET
    release: Maybe[Label] = UNSET
    version: Maybe[Label] = UNSET
    tags: Annotated[
        Maybe[list[Tag]], Meta(description="united with those there; an update replaces them")
    ] = UNSET
    metadata: Annotated[Maybe[dict[str, Any]], Meta(description="merged by key")] = UNSET
    input: Annotated[Any, Meta(description="any JSON")] = UNSET
    output: Annotated[Any, Meta(description="any JSON")] = UNSET
    public: bool | UnsetType = UNSET
    start_time: Maybe[Time] = UNSET
    end_time: Maybe[Time] = UNSET


class TraceCreate(TraceUpdate, kw_only=True):
    """A new trace, or further fields of one."""

    id: Annotated[Id | UnsetType, Meta(description="made by the server where absent")] = UNSET


class ScoreCreate(Request, kw_only=True):
    """A score of a trace, of a span (with its trace) or of a session."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    value: float | bool | Text
    id: Annotated[Id | UnsetType, Meta(description="made by the server where absent")] = UNSET
    data_type: Annotated[
        DataType | UnsetType,
        Meta(description="where absent: numeric, boolean or categorical, as the value is"),
    ] = UNSET
    trace_id: Id | UnsetType = UNSET
    span_id: Id | UnsetType = UNSET
    session_id: Id | UnsetType = UNSET
    comment: Maybe[str] = UNSET
    metadata: Maybe[dict[str, Any]] = UNSET
    time: Annotated[Maybe[Time], Meta(description="the time of receipt where absent")] = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.trace_id is UNSET) == (self.session_id is UNSET):
            raise ValueError("trace_id: expected either trace_id or session_id")
        if self.span_id is not UNSET and self.trace_id is UNSET:
            raise ValueError("trace_id: expected the trace of the span, got nothing")
        _check_value(self.value, self.data_type)


# Two Structs for one request: this one describes it, the next one allows invalid items.
class BatchRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Up to 10,000 items; each is accepted or rejected by itself."""

    traces: list[TraceCreate] = []
    spans: list[BatchSpan] = []
    scores: list[ScoreCreate] = []


class BatchEnvelope(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A BatchRequest with unvalidated items."""

    traces: list[Any] = []
    spans: list[Any] = []
    scores: list[Any] = []


def utc_field(time: datetime, field: str) -> datetime:
    """Return `as_utc` outside of a Struct's own check; raises Invalid, which names the field."""
    try:
        return as_utc(time, field)
    except ValueError as error:
        raise invalid_field(error) from None


def as_utc(time: datetime, field: str) -> datetime:
    """Return an aware time in UTC; a naive one is UTC. Raises ValueError "field: …"."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not EPOCH <= aware < END_OF_TIME:
        raise ValueError(f"{field}: expected a time between 1970 and 9998, got {time.isoformat()}")
    return aware.astimezone(UTC)


def micros(time: datetime, field: str) -> int:
    """Return microseconds since the epoch of `as_utc`."""
    return (as_utc(time, field) - EPOCH) // timedelta(microseconds=1)


def check_id(value: str, field: str) -> str:
    """Return ``value``, an id valid in the database and in URLs. Raises ValueError "field: …"."""
    if not 1 <= len(value) <= 800 or _UNSAFE.search(value):
        raise ValueError(f"{field}: expected 1 to 800 characters without control characters")
    return value


def _one_of(sent: SpanUpdate, first: str, second: str) -> None:
    if getattr(sent, first) is not UNSET and getattr(sent, second) is not UNSET:
        raise ValueError(f"{second}: expected either {first} or {second}, got both")


def _check_value(value: float | bool | str, data_type: str | UnsetType) -> None:
    wanted = {"numeric": "a number", "boolean": "true or false, 1 or 0"}.get(str(data_type), "text")
    fits = {
        "numeric": isinstance(value, float) and abs(value) < float("inf"),
        "boolean": isinstance(value, bool) or value in (0.0, 1.0),
    }.get(str(data_type), isinstance(value, str))
    if data_type is UNSET:
        fits, wanted = not isinstance(value, float) or abs(value) < float("inf"), "a finite number"
    if not fits:
        raise ValueError(f"value: expected {wanted}")
