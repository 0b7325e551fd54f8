"""The responses of the Langfuse-compatible API: Structs in its format, built from stored rows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, overload
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.api.langfuse.span_prices import applied_price
from tracer.records import APP_ROOT, OWN_ENVIRONMENT, OWN_VERSION, token_sums
from tracer.store.scores.search import FoundScore
from tracer.store.traces.span_search import FoundSpan
from tracer.store.traces.traces import TraceDetail
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.wire.langfuse.words import (
    BUCKET_NAMES,
    DEFAULT_ENVIRONMENT,
    TYPE_OF,
)

NOT_REQUESTED = -1
"""The value of a sum whose group of fields was not requested."""


class Answer(msgspec.Struct, kw_only=True, rename="camel"):
    """Base of all answers: field names are in camel case."""


class CoreTrace(Answer, kw_only=True):
    """A trace without related objects."""

    id: str
    timestamp: Time
    name: str | None
    input: Any
    output: Any
    session_id: str | None
    release: str | None
    version: str | None
    user_id: str | None
    metadata: dict[str, Any]
    tags: list[str]
    public: bool
    environment: str
    bookmarked: bool
    project_id: str
    external_id: None
    created_at: Time
    updated_at: Time


class ListedTrace(CoreTrace, kw_only=True):
    """A trace of a list, with the ids of its observations and scores."""

    html_path: str
    latency: Annotated[float, Meta(description="seconds; -1: not requested")]
    total_cost: Annotated[float, Meta(description="US dollars; -1: not requested")]
    observations: list[str]
    scores: list[str]


class Usage(Answer, kw_only=True):
    """Input and output tokens, and their cost."""

    unit: str
    input: int
    output: int
    total: int
    input_cost: float | None
    output_cost: float | None
    total_cost: float | None


class Observation(Answer, kw_only=True):
    """An observation in version 1 of the API."""

    id: str
    trace_id: str
    project_id: str
    type: str
    name: str | None
    start_time: Time
    end_time: Time | None
    completion_start_time: Time | None
    model: str | None
    model_parameters: dict[str, Any]
    input: Any
    output: Any
    version: str | None
    metadata: dict[str, Any]
    usage: Usage
    unit: str
    level: str
    status_message: str | None
    parent_observation_id: str | None
    prompt_id: str | None
    prompt_name: str | None
    prompt_version: int | None
    model_id: str | None
    usage_pricing_tier_id: str | None
    usage_pricing_tier_name: str | None
    input_price: float | None
    output_price: float | None
    total_price: float | None
    calculated_input_cost: float | None
    calculated_output_cost: float | None
    calculated_total_cost: float | None
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    usage_details: dict[str, int]
    cost_details: dict[str, float]
    latency: float | None
    time_to_first_token: float | None
    environment: str
    created_at: Time
    updated_at: Time


class ScoreTrace(Answer, kw_only=True):
    """The fields of the scored trace that are part of a score."""

    user_id: str | None
    tags: list[str]
    environment: str
    session_id: str | None


class Score(Answer, kw_only=True):
    """A score in versions 1 and 2 of the API."""

    id: str
    project_id: str
    trace_id: str | None
    session_id: str | None
    observation_id: str | None
    dataset_run_id: str | None
    name: str
    data_type: str
    value: float | UnsetType = UNSET
    """Absent where the data type is TEXT."""
    string_value: str | None
    source: str
    comment: str | None
    metadata: dict[str, Any]
    config_id: str | None
    queue_id: str | None
    execution_trace_id: None
    """Always null: evaluators run in the application, which sends no trace of them with a score."""
    author_user_id: str | None
    environment: str
    timestamp: Time
    created_at: Time
    updated_at: Time
    trace: ScoreTrace | None


class FullTrace(CoreTrace, kw_only=True):
    """A trace with its observations and scores."""

    html_path: str
    latency: float
    total_cost: float
    observations: list[Observation]
    scores: list[Score]


def json_time_in_millis_or_none(time: datetime | None) -> str | None:
    """Return a time as JSON text with milliseconds; None: there is no time."""
    return None if time is None else json_time_in_millis(time)


def core_trace(row: TraceDetail, *, io: bool) -> dict[str, Any]:
    """Return the fields of a trace; without ``io``, input, output and metadata are left out."""
    return {
        "id": row.trace_id,
        "timestamp": json_time_in_millis(row.start_time),
        "name": row.name or None,
        "input": row.input if io else None,
        "output": row.output if io else None,
        "session_id": row.session_id,
        "release": row.release,
        "version": row.version,
        "user_id": row.user_id,
        "metadata": {**row.root_metadata, **row.metadata} if io else {},
        "tags": row.tags,
        "public": row.public,
        "environment": row.environment,
        "bookmarked": row.bookmarked,
        "project_id": row.project_id,
        "external_id": None,
        "created_at": json_time_in_millis(row.start_time),
        "updated_at": json_time_in_millis(row.end_time),
    }


def metrics_of(row: TraceDetail, *, requested: bool) -> dict[str, Any]:
    """Return latency (seconds) and cost of a trace, and the path of its page."""
    path = f"/project/{quote(row.project_id, safe='')}/traces/{quote(row.trace_id, safe='')}"
    seconds = (row.end_time - row.start_time).total_seconds()
    return {
        "html_path": path,
        "latency": seconds if requested else NOT_REQUESTED,
        "total_cost": float(row.total_cost or 0) if requested else NOT_REQUESTED,
    }


def usage_details(usage: dict[str, int]) -> dict[str, int]:
    """Return tokens by type under Langfuse's names, with their sum as ``total``."""
    if not usage:
        return {}
    named = {BUCKET_NAMES.get(kind, kind): tokens for kind, tokens in usage.items()}
    return {**named, "total": sum(usage.values())}


def cost_details(cost: dict[str, Decimal], total: Decimal | None) -> dict[str, float]:
    """Return US dollars by type under Langfuse's names, with their sum as ``total``."""
    named = {BUCKET_NAMES.get(kind, kind): float(amount) for kind, amount in cost.items()}
    return named if total is None else {**named, "total": float(total)}


def side_costs(cost: dict[str, Decimal]) -> tuple[float | None, float | None]:
    """Return US dollars of input and output; None: no type of that side has a price."""
    sides: dict[str, Decimal] = {}
    for usage_type, amount in cost.items():
        name = BUCKET_NAMES.get(usage_type, usage_type)
        for side in ("input", "output"):
            if name.startswith(side):
                sides[side] = sides.get(side, Decimal(0)) + amount
    return dollars(sides.get("input")), dollars(sides.get("output"))


def dollars(amount: Decimal | None) -> float | None:
    """Return US dollars as a JSON number; None: there is no cost."""
    return None if amount is None else float(amount)


def seconds_between(start: datetime, end: datetime | None) -> float | None:
    """Return seconds from start to end; None: there is no end yet."""
    return None if end is None else (end - start).total_seconds()


def environment_of(row: FoundSpan) -> str:
    """Return the environment of a span: its own, or else its trace's."""
    own = row.attributes.get(OWN_ENVIRONMENT)
    return own if isinstance(own, str) and own else row.environment


def version_of(row: FoundSpan) -> str | None:
    """Return the application's version: the span's own, or else its trace's."""
    own = row.attributes.get(OWN_VERSION)
    return own if isinstance(own, str) else row.trace_version


def is_root(row: FoundSpan) -> bool:
    """Return whether a span is the topmost of its trace, or of its application in the trace."""
    return row.parent_span_id is None or row.attributes.get(APP_ROOT) in (True, "true")


@overload
def prompt_id(name: str, version: int) -> str: ...


@overload
def prompt_id(name: str | None, version: int | None) -> str | None: ...


def prompt_id(name: str | None, version: int | None) -> str | None:
    """Return the id of a prompt version; None: name or version is missing."""
    return None if name is None or version is None else f"{name}:{version}"


def observation(row: FoundSpan) -> Observation:
    """Return an observation in version 1 of the API."""
    input_tokens, output_tokens, tokens = token_sums(row.usage)
    total = dollars(row.total_cost)
    input_cost, output_cost = side_costs(row.cost)
    price = applied_price(row)
    return Observation(
        id=row.span_id,
        trace_id=row.trace_id,
        project_id=row.project_id,
        type=TYPE_OF[row.kind],
        name=row.name or None,
        start_time=json_time_in_millis(row.start_time),
        end_time=json_time_in_millis_or_none(row.end_time),
        completion_start_time=json_time_in_millis_or_none(row.first_token_time),
        model=row.model,
        model_parameters=row.model_parameters,
        input=row.input,
        output=row.output,
        version=version_of(row),
        metadata=row.metadata,
        usage=Usage(
            unit="TOKENS",
            input=input_tokens or 0,
            output=output_tokens or 0,
            total=tokens or 0,
            input_cost=input_cost,
            output_cost=output_cost,
            total_cost=total,
        ),
        unit="TOKENS",
        level=row.level.upper(),
        status_message=row.status_message,
        parent_observation_id=row.parent_span_id,
        prompt_id=prompt_id(row.prompt_name, row.prompt_version),
        prompt_name=row.prompt_name,
        prompt_version=row.prompt_version,
        model_id=price.model_id,
        usage_pricing_tier_id=price.tier_id,
        usage_pricing_tier_name=price.tier,
        input_price=dollars(price.input_price),
        output_price=dollars(price.output_price),
        total_price=dollars(price.total_price),
        calculated_input_cost=input_cost,
        calculated_output_cost=output_cost,
        calculated_total_cost=total,
        prompt_tokens=input_tokens or 0,
        completion_tokens=output_tokens or 0,
        total_tokens=tokens or 0,
        usage_details=usage_details(row.usage),
        cost_details=cost_details(row.cost, row.total_cost),
        latency=seconds_between(row.start_time, row.end_time),
        time_to_first_token=seconds_between(row.start_time, row.first_token_time),
        environment=environment_of(row),
        created_at=json_time_in_millis(row.start_time),
        updated_at=json_time_in_millis(row.updated_at),
    )


def score(row: FoundScore, project_id: str, *, trace: bool = True) -> Score:
    """Return a score in versions 1 and 2 of the API; ``trace``: with fields of its trace."""
    return Score(
        id=row.score_id,
        project_id=project_id,
        trace_id=row.trace_id,
        session_id=row.session_id,
        observation_id=row.span_id,
        dataset_run_id=row.run_id,
        name=row.name,
        data_type=row.data_type.upper(),
        value=UNSET if row.data_type == "text" else row.value or 0,
        string_value=_string_value(row),
        source=source_of(row),
        comment=row.comment,
        metadata=row.metadata,
        config_id=row.config_id,
        queue_id=row.queue_id,
        execution_trace_id=None,
        author_user_id=row.author_id,
        environment=score_environment(row),
        timestamp=json_time_in_millis(row.time),
        created_at=json_time_in_millis(row.time),
        updated_at=json_time_in_millis(row.time),
        trace=_trace_of(row) if trace else None,
    )


def _string_value(row: FoundScore) -> str | None:
    if row.data_type == "boolean":
        return "True" if row.value else "False"
    return row.string_value


def source_of(row: FoundScore) -> str:
    """Return the source of a score as one of Langfuse's three values."""
    return {"annotation": "ANNOTATION", "eval": "EVAL"}.get(row.source, "API")


def score_environment(row: FoundScore) -> str:
    """Return the environment of the scored trace, or else the score's own."""
    return row.environment or row.trace_environment or DEFAULT_ENVIRONMENT


def _trace_of(row: FoundScore) -> ScoreTrace | None:
    if row.trace_environment is None:
        return None
    return ScoreTrace(
        user_id=row.trace_user_id,
        tags=row.trace_tags or [],
        environment=row.trace_environment,
        session_id=row.trace_session_id,
    )
