"""Converts scores to records; without a data type, the value decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from tracer.errors import Invalid
from tracer.records import Json, ScoreRecord
from tracer.wire.langfuse.bodies import ScoreBody, given
from tracer.wire.langfuse.observations import as_object
from tracer.wire.langfuse.words import DATA_TYPES, SOURCES, environment
from tracer.wire.native.requests import micros
from tracer.wire.request_context import Cleaner, RequestContext

_NUMBERS: Final = ("NUMERIC", "BOOLEAN")
_OUTPUT: Final = "output"


class Agreed(Protocol):
    """The requirements of a score config; data types have Tracer's names."""

    @property
    def name(self) -> str: ...
    @property
    def data_type(self) -> str: ...
    @property
    def min_value(self) -> float | None: ...
    @property
    def max_value(self) -> float | None: ...
    @property
    def categories(self) -> list[dict[str, Json]]: ...
    @property
    def archived(self) -> bool: ...


ConfigOf = Callable[[str], Agreed | None]
"""Returns the config of an id."""


def score_record(
    body: ScoreBody,
    score_id: str,
    time: int,
    context: RequestContext,
    config_of: ConfigOf,
    *,
    checked: bool = True,
) -> ScoreRecord:
    """Return the record of a score, ``time`` (µs) is the default of its time.

    Raises Invalid for a score that does not match its config, unless another server has accepted it
    (``checked`` False): the config may have changed since.
    """
    record = _record(body, score_id, time, context)
    if record.config_id is None:
        return record
    config = config_of(record.config_id)
    if checked:
        _conform(record, body, config)
    elif config is not None and record.data_type == config.data_type == "categorical":
        record.value = _values(config).get(record.string_value or "")
    return record


def _record(body: ScoreBody, score_id: str, time: int, context: RequestContext) -> ScoreRecord:
    data_type = given(body.data_type) or type_of(body.value)
    cleaner = Cleaner(context)
    number = data_type in _NUMBERS
    stamp = given(body.timestamp)
    return ScoreRecord(
        score_id=score_id,
        # A correction always refers to the output, whatever its name.
        name=_OUTPUT if data_type == "CORRECTION" else cleaner.value("name", body.name),
        data_type=DATA_TYPES[data_type],
        value=float(body.value) if number else None,
        string_value=None if number else cleaner.value("value", body.value),
        trace_id=given(body.trace_id),
        span_id=given(body.observation_id),
        session_id=given(body.session_id),
        comment=cleaner.value("comment", given(body.comment)),
        source=SOURCES[given(body.source) or "API"],
        metadata=cleaner.value("metadata", as_object(body.metadata)),
        config_id=given(body.config_id),
        environment=environment(str(body.environment)) if given(body.environment) else None,
        queue_id=given(body.queue_id),
        run_id=given(body.dataset_run_id) or None,
        time=micros(stamp, "timestamp") if stamp else time,
    )


def _conform(record: ScoreRecord, body: ScoreBody, config: Agreed | None) -> None:
    """Apply the config to the record."""
    if config is None:
        raise Invalid.of_field(
            "configId", f"expected the id of a score config, got {record.config_id!r}"
        )
    if config.archived:
        raise Invalid.of_field("configId", f"expected a config in use: {config.name!r} is archived")
    if given(body.data_type) is None and config.data_type in ("boolean", "text"):
        # The value does not distinguish these from numbers and categories.
        if (config.data_type == "text") != isinstance(body.value, str):
            raise Invalid.of_field(
                "value", f"expected a {config.data_type} value, as its config requires"
            )
        record.data_type = config.data_type
    if record.data_type != config.data_type:
        raise Invalid.of_field(
            "dataType", f"expected {config.data_type.upper()}, as its config requires"
        )
    record.name = config.name
    _check_bounds(record, config)


def _check_bounds(record: ScoreRecord, config: Agreed) -> None:
    if record.data_type == "categorical":
        values = _values(config)
        if record.string_value not in values:
            labels = ", ".join(values)
            raise Invalid.of_field("value", f"expected one of {labels}, as its config requires")
        record.value = values[record.string_value]
    elif record.data_type == "boolean" and record.value not in (0, 1):
        raise Invalid.of_field("value", "expected 0 or 1")
    elif record.data_type == "numeric":
        low, high, value = config.min_value, config.max_value, record.value or 0.0
        if (low is not None and value < low) or (high is not None and value > high):
            raise Invalid.of_field("value", f"expected {low} to {high}, as its config requires")


def _values(config: Agreed) -> dict[str, float]:
    return {str(item["label"]): float(item["value"]) for item in config.categories}


def type_of(value: Any) -> str:
    """Return the data type of a value."""
    if isinstance(value, bool):
        return "BOOLEAN"
    return "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
