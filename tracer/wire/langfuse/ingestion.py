"""``POST /api/public/ingestion``: a batch of events to records, and a result for each event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tracer.errors import Invalid, ItemError, Refused, TooLarge
from tracer.records import Batch, Json
from tracer.wire.langfuse.bodies import (
    Event,
    IngestionRequest,
    ObservationBody,
    ScoreBody,
    TraceBody,
    given,
)
from tracer.wire.langfuse.observations import observation_patches, trace_of_observation
from tracer.wire.langfuse.order import Order
from tracer.wire.langfuse.refusing import read_body, within_body
from tracer.wire.langfuse.scores import ConfigOf, score_record
from tracer.wire.langfuse.times import read_sent
from tracer.wire.langfuse.traces import trace_records
from tracer.wire.langfuse.words import TYPES
from tracer.wire.native.requests import MAX_ITEMS, micros
from tracer.wire.reading import printable, read_json
from tracer.wire.request_context import RequestContext

_OBSERVATIONS: Final[dict[str, tuple[str | None, bool]]] = {
    **{f"{kind}-create": (kind, False) for kind in TYPES.values()},
    "span-update": ("span", True),
    "generation-update": ("generation", True),
    "observation-create": (None, False),
    "observation-update": (None, True),
}
"""By type of event: the kind of its span, and whether it is an update."""

TraceOf = Callable[[str], str | None]
"""Returns the trace id of a stored span."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Look-ups in the database: traces of spans, configs of scores."""

    trace_of: TraceOf
    config_of: ConfigOf
    checked: bool = True
    """Whether scores must match their configs; not, if another server has accepted them."""


@dataclass(kw_only=True)
class Outcome:
    """The result of one event."""

    event_id: str
    refusal: ItemError | None = None
    silent: bool = False
    """A log message of the SDK, which the response leaves out."""


@dataclass
class DecodedIngestion:
    """The records of a batch and a result per event; ``places`` has the result of each record."""

    batch: Batch = field(default_factory=Batch)
    outcomes: list[Outcome] = field(default_factory=list)
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    """(list of the batch, index in it) to the index within ``outcomes``."""


class _Reader:
    """Reads events one by one, so that only invalid ones are rejected."""

    def __init__(self, context: RequestContext, stored: Stored) -> None:
        self.decoded = DecodedIngestion()
        self._context = context
        self._stored = stored
        self._traces: dict[str, str] = {}
        """Trace ids of the observations in the batch."""

    def learn(self, value: Json) -> None:
        """Record the trace of an observation, for events with only the id of the observation."""
        body = value.get("body") if isinstance(value, dict) else None
        if isinstance(body, dict):
            span_id, trace_id = body.get("id"), body.get("traceId")
            if isinstance(span_id, str) and isinstance(trace_id, str) and trace_id:
                self._traces[span_id] = trace_id

    def take(self, index: int, value: Json) -> None:
        """Add the records, or the rejection, of one event."""
        outcome = Outcome(event_id=_event_id(value))
        batch = self.decoded.batch
        before = _sizes(batch)
        try:
            event = read_sent(value, Event)
            if "\r" in event.id:
                raise Invalid.of_field("id", "ID cannot contain carriage return characters")
            outcome.silent = event.type == "sdk-log"
            self._read(event)
        except Refused as error:
            outcome.refusal = error.item_errors[0]
        for (kind, start), (_, end) in zip(before, _sizes(batch), strict=True):
            for position in range(start, end):
                self.decoded.places[kind, position] = index
        self.decoded.outcomes.append(outcome)

    def _read(self, event: Event) -> None:
        if event.type == "trace-create":
            self._trace(event)
        elif event.type == "score-create":
            self._score(event)
        elif event.type in _OBSERVATIONS:
            self._observation(event)
        elif event.type != "sdk-log":
            raise Invalid.of_field(
                "type", f"expected a type of event, got {printable(event.type)!r}"
            )

    def _trace(self, event: Event) -> None:
        body = read_body(event.body, TraceBody)
        _require_id(body.id)
        order = Order(micros(event.timestamp, "timestamp"), False)
        self.decoded.batch.traces += trace_records(body, order, self._context)

    def _observation(self, event: Event) -> None:
        kind, update = _OBSERVATIONS[event.type]
        body = read_body(event.body, ObservationBody)
        span_id = _require_id(body.id)
        order = Order(micros(event.timestamp, "timestamp"), update)
        # An observation without a trace id has a trace of its own with the same id.
        trace_id = given(body.trace_id) or self._trace_of(span_id) or span_id
        batch = self.decoded.batch
        batch.patches += observation_patches(body, kind, trace_id, order, self._context)
        batch.traces += trace_of_observation(body, trace_id, order)

    def _trace_of(self, span_id: str) -> str | None:
        return self._traces.get(span_id) or self._stored.trace_of(span_id)

    def _score(self, event: Event) -> None:
        body = read_body(event.body, ScoreBody)
        # The event's id: a repeated batch must not add another score.
        score_id = given(body.id) or event.id
        time = micros(event.timestamp, "timestamp")
        config_of = self._stored.config_of
        try:
            checked = self._stored.checked
            record = score_record(body, score_id, time, self._context, config_of, checked=checked)
        except Refused as error:
            within_body(error)
            raise
        self.decoded.batch.scores.append(record)


def decode_ingestion(body: bytes, context: RequestContext, stored: Stored) -> DecodedIngestion:
    """Return the records of a batch; invalid events are rejected one by one.

    Raises Invalid for a body that is no batch, TooLarge for too many events.
    """
    request = read_sent(read_json(body), IngestionRequest)
    if len(request.batch) > MAX_ITEMS:
        raise TooLarge(f"expected at most {MAX_ITEMS} events, got {len(request.batch)}")
    reader = _Reader(context, stored)
    for value in request.batch:
        reader.learn(value)
    for index, value in enumerate(request.batch):
        reader.take(index, value)
    return reader.decoded


def decode_event(value: Json, context: RequestContext, stored: Stored) -> DecodedIngestion:
    """Return the records, or the rejection, of one event."""
    reader = _Reader(context, stored)
    reader.take(0, value)
    return reader.decoded


def _require_id(sent: object) -> str:
    identifier = given(sent)
    if not identifier:
        raise Invalid.of_field("body.id", "expected an id, got nothing")
    return str(identifier)


def _event_id(value: Json) -> str:
    sent = value.get("id") if isinstance(value, dict) else None
    return printable(sent) if isinstance(sent, str) and sent else "unknown"


def _sizes(batch: Batch) -> list[tuple[str, int]]:
    return [(name, len(getattr(batch, name))) for name in batch.__struct_fields__]
