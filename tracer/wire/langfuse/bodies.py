"""The bodies of Langfuse's ingestion events: unknown fields are ignored, as Langfuse does."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.wire.native.requests import Maybe, Time, check_id, micros

Id = Annotated[str, Meta(min_length=1, max_length=800)]
Name = Annotated[str, Meta(max_length=1000)]
Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
Type = Literal[
    "SPAN",
    "EVENT",
    "GENERATION",
    "AGENT",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EVALUATOR",
    "EMBEDDING",
    "GUARDRAIL",
]
ScoreType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT", "CORRECTION"]

MAX_TEXT: Final = 500
"""Characters of the value of a TEXT score."""


class Body(msgspec.Struct, kw_only=True, rename="camel"):
    """Base of all bodies: ids valid in the database, times that can be read back."""

    def __post_init__(self) -> None:
        for name, sent in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, name)
            if isinstance(value, datetime):
                micros(value, sent)
            elif isinstance(value, str) and (name == "id" or name.endswith("_id")):
                # Clients send the empty text instead of a missing id.
                if value:
                    check_id(value, sent)
                else:
                    setattr(self, name, None)


class TraceBody(Body, kw_only=True):
    """A new trace, or further fields of one: absent fields stay unchanged."""

    id: Maybe[str] = UNSET
    timestamp: Maybe[Time] = UNSET
    name: Maybe[Name] = UNSET
    user_id: Maybe[str] = UNSET
    session_id: Maybe[str] = UNSET
    environment: Maybe[str] = UNSET
    release: Maybe[str] = UNSET
    version: Maybe[str] = UNSET
    public: Maybe[bool] = UNSET
    tags: Maybe[list[str | int | float | bool]] = UNSET
    metadata: Any = UNSET
    input: Any = UNSET
    output: Any = UNSET


class ObservationBody(Body, kw_only=True):
    """A new observation of any type, or further fields of one."""

    id: Maybe[str] = UNSET
    trace_id: Maybe[str] = UNSET
    type: Type | UnsetType = UNSET
    parent_observation_id: Maybe[str] = UNSET
    name: Maybe[str] = UNSET
    environment: Maybe[str] = UNSET
    version: Maybe[str] = UNSET
    start_time: Maybe[Time] = UNSET
    end_time: Maybe[Time] = UNSET
    completion_start_time: Maybe[Time] = UNSET
    level: Maybe[Level] = UNSET
    status_message: Maybe[str] = UNSET
    model: Maybe[str] = UNSET
    model_parameters: Maybe[dict[str, Any]] = UNSET
    usage: Maybe[dict[str, Any]] = UNSET
    usage_details: Maybe[dict[str, Any]] = UNSET
    cost_details: Maybe[dict[str, Any]] = UNSET
    prompt_name: Maybe[str] = UNSET
    prompt_version: Maybe[Annotated[int, Meta(ge=0, le=2**31 - 1)]] = UNSET
    metadata: Any = UNSET
    input: Any = UNSET
    output: Any = UNSET


class SpanChange(ObservationBody, kw_only=True):
    """An update of a span by the oldest clients."""

    span_id: Id


class GenerationChange(ObservationBody, kw_only=True):
    """An update of a generation by the oldest clients."""

    generation_id: Id


class ScoreBody(Body, kw_only=True):
    """A score of a trace, of an observation, of a session or of a run."""

    id: Maybe[str] = UNSET
    trace_id: Maybe[str] = UNSET
    session_id: Maybe[str] = UNSET
    observation_id: Maybe[str] = UNSET
    dataset_run_id: Maybe[str] = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    value: float | bool | str
    data_type: Maybe[ScoreType] = UNSET
    environment: Maybe[str] = UNSET
    comment: Maybe[str] = UNSET
    metadata: Any = UNSET
    source: Maybe[Literal["API", "ANNOTATION", "EVAL"]] = UNSET
    config_id: Maybe[str] = UNSET
    queue_id: Maybe[str] = UNSET
    timestamp: Maybe[Time] = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        subjects = (self.trace_id, self.session_id, self.dataset_run_id)
        count = sum(bool(given(subject)) for subject in subjects)
        if count != 1:
            raise ValueError(
                f"traceId: expected one of traceId, sessionId and datasetRunId, got {count}"
            )
        if given(self.observation_id) and not given(self.trace_id):
            raise ValueError("traceId: expected the trace of the observation, got nothing")
        check_value(self.value, given(self.data_type))


class Event(msgspec.Struct, kw_only=True):
    """The envelope of an event."""

    id: Id
    timestamp: Time
    type: str
    body: Any

    def __post_init__(self) -> None:
        micros(self.timestamp, "timestamp")


class IngestionRequest(msgspec.Struct, kw_only=True):
    """Up to some megabytes of events; each is accepted or rejected by itself."""

    batch: list[Any]
    metadata: Any = None


def given(value: Any) -> Any:
    """Return the value; None: it is absent or null."""
    return None if value is UNSET else value


def check_value(value: float | bool | str, data_type: str | None) -> None:
    """Raise ValueError "value: …" for a value that a score of this type can't have."""
    number = isinstance(value, (int, float)) and abs(value) < float("inf")
    text = isinstance(value, str)
    fits, wanted = {
        "NUMERIC": (number and not isinstance(value, bool), "a finite number"),
        "BOOLEAN": (number and value in (0, 1), "1, 0, true or false"),
        "CATEGORICAL": (text, "text"),
        "TEXT": (text and 1 <= len(str(value)) <= MAX_TEXT, f"text of 1 to {MAX_TEXT} characters"),
        "CORRECTION": (text, "text"),
        None: (number or text, "a finite number or text"),
    }[data_type]
    if not fits:
        raise ValueError(f"value: expected {wanted} for dataType {data_type or 'absent'}")
