"""Reads OTLP protobuf into groups of spans or log records; invalid ones are rejected alone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracer.errors import TooLarge
from tracer.records import Json
from tracer.wire.clean import MAX_DEPTH, TOO_DEEP
from tracer.wire.json_density import check_elements
from tracer.wire.otlp.protobuf_scan import MAX_MESSAGES, MessageCounter, messages
from tracer.wire.spans.raw import (
    MAX_ATTRIBUTES,
    MAX_EVENTS,
    MAX_GROUPS,
    MAX_KEY_LENGTH,
    MAX_LINKS,
    Bad,
    Context,
    Group,
    Keeper,
    RawLog,
    RawSpan,
    add_otlp_facts,
    drops,
)

# Programs send few names, and look-ups are faster if equal names are one object.
_KEYS: Final[dict[str, str]] = {}
_MAX_KEYS: Final = 10_000
# A message of two bytes takes a hundred in memory: a body in which more than MAX_MESSAGES fit is
# decoded span by span, at 3 µs more for each, and in a larger span the messages are counted first.
_LARGE_BODY: Final = 2 * MAX_MESSAGES
_LARGE_ITEM: Final = 64 * 1024

M = TypeVar("M", Resource, InstrumentationScope)
T = TypeVar("T")


class _Signal(NamedTuple):
    """The messages of a signal, and the names of its three levels in protobuf and JSON."""

    request: Any
    item: Any
    of_resources: str
    of_scopes: str
    items: str
    path: str


_SPANS: Final = _Signal(
    ExportTraceServiceRequest,
    Span,
    "resource_spans",
    "scope_spans",
    "spans",
    "resourceSpans[{}].scopeSpans[{}]",
)
_LOGS: Final = _Signal(
    ExportLogsServiceRequest,
    LogRecord,
    "resource_logs",
    "scope_logs",
    "log_records",
    "resourceLogs[{}].scopeLogs[{}]",
)


def spans(body: bytes, max_value_bytes: int) -> Iterator[Group[RawSpan]]:
    """Yield the ScopeSpans of ``body``. Raises Invalid if it is no trace request."""
    reader = _Reader(Keeper(max_value_bytes))
    return _groups(body, _SPANS, reader, reader.span)


def logs(body: bytes, max_value_bytes: int) -> Iterator[Group[RawLog]]:
    """Yield the ScopeLogs of ``body``. Raises Invalid if it is no logs request."""
    reader = _Reader(Keeper(max_value_bytes))
    return _groups(body, _LOGS, reader, reader.log)


def _groups(
    body: bytes, signal: _Signal, reader: _Reader, read: Callable[[Any], T]
) -> Iterator[Group[T]]:
    if len(body) > _LARGE_BODY:
        return _one_by_one(body, signal, reader, read)
    try:
        request = signal.request.FromString(body)
    except DecodeError:
        return _one_by_one(body, signal, reader, read)
    return _walk(request, signal, reader, read)


def _walk(
    request: Any, signal: _Signal, reader: _Reader, read: Callable[[Any], T]
) -> Iterator[Group[T]]:
    for i, of_resource in enumerate(getattr(request, signal.of_resources)):
        resource = reader.attributes(of_resource.resource.attributes)
        for j, of_scope in enumerate(getattr(of_resource, signal.of_scopes)):
            context = Context(resource, reader.scope(of_scope.scope))
            reader.keeper.take_notes()
            items = getattr(of_scope, signal.items)
            yield Group(signal.path.format(i, j), context, items, read)


class _Reader:
    """Reads the messages of one request."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def span(self, span: Span) -> RawSpan:
        keeper = self.keeper
        pairs, events, links = span.attributes, span.events, span.links
        attributes = self.attributes(pairs)
        add_otlp_facts(attributes, span.kind, span.trace_state)
        status = span.status
        message = status.message
        return RawSpan(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_span_id,
            name=keeper.text("name", span.name),
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            status_code=status.code,
            status_message=keeper.text("status_message", message) if message else "",
            attributes=attributes,
            events=[self._event(event) for event in events[:MAX_EVENTS]] if events else [],
            links=[self._link(link) for link in links[:MAX_LINKS]] if links else [],
            dropped=drops(
                (
                    span.dropped_attributes_count,
                    span.dropped_events_count,
                    span.dropped_links_count,
                ),
                (len(pairs), len(events), len(links)),
            ),
            notes=keeper.take_notes() if keeper.notes else {},
        )

    def log(self, log: LogRecord) -> RawLog:
        keeper = self.keeper
        return RawLog(
            trace_id=log.trace_id,
            span_id=log.span_id,
            name=keeper.text("name", log.event_name),
            time_ns=log.time_unix_nano or log.observed_time_unix_nano,
            body=keeper.value("body", self._value("body", log.body, MAX_DEPTH)),
            attributes=self.attributes(log.attributes),
            notes=keeper.take_notes(),
        )

    def scope(self, scope: InstrumentationScope) -> dict[str, Json]:
        result: dict[str, Json] = {}
        if scope.name:
            result["name"] = self.keeper.text("scope", scope.name)
        if scope.version:
            result["version"] = self.keeper.text("scope", scope.version)
        if scope.attributes:
            result["attributes"] = self.attributes(scope.attributes)
        return result

    def attributes(self, pairs: Sequence[KeyValue]) -> dict[str, Json]:
        keeper = self.keeper
        result: dict[str, Json] = {}
        safe_length = keeper.safe_length
        known = _KEYS.get
        # A slice is read a third faster than protobuf's own container.
        for pair in pairs[:MAX_ATTRIBUTES]:
            value = pair.value
            key = known(pair.key) or self._new_key(pair.key)
            # Protobuf text is valid UTF-8: only its length or a NUL can be invalid.
            if text := value.string_value:
                if len(text) > safe_length or "\x00" in text:
                    text = keeper.text(key, text)
                result[key] = text
                continue
            if number := value.int_value:
                result[key] = number
                continue
            if (real := value.double_value) and isfinite(real):
                result[key] = real
                continue
            which = value.WhichOneof("value")
            if which == "int_value":
                result[key] = 0
            elif which == "string_value":
                result[key] = ""
            elif which == "bool_value":
                result[key] = value.bool_value
            elif which == "double_value" and not real:
                result[key] = real
            elif which == "array_value" and (texts := self._texts(value.array_value.values)):
                result[key] = texts
            else:
                result[key] = keeper.value(key, self._value(key, value, MAX_DEPTH))
        return result

    def _new_key(self, key: str) -> str:
        if "\x00" in key or len(key) > MAX_KEY_LENGTH:
            return self.keeper.key(key)
        if len(_KEYS) < _MAX_KEYS:
            _KEYS[key] = key
        return key

    def _value(self, key: str, value: AnyValue, depth: int) -> Json:
        which = value.WhichOneof("value")
        if which == "array_value":
            if depth == 0:
                return self._too_deep(key)
            return [self._value(key, item, depth - 1) for item in value.array_value.values]
        if which == "kvlist_value":
            if depth == 0:
                return self._too_deep(key)
            return {
                pair.key: self._value(key, pair.value, depth - 1)
                for pair in value.kvlist_value.values
            }
        if which == "bytes_value":
            self.keeper.notes[key] = {"bytes": "base64"}
            return b64encode(value.bytes_value).decode()
        return None if which is None else getattr(value, which)

    def _texts(self, values: Sequence[AnyValue]) -> list[str] | None:
        """Return a list of short texts that need no cleaning; None: the values are other ones."""
        texts = [value.string_value for value in values]
        together = "".join(texts)
        # As JSON a character takes up to six bytes, and each text its quotes and a comma.
        long = 2 * len(together) + len(texts) > self.keeper.safe_length
        return None if long or not all(texts) or "\x00" in together else texts

    def _too_deep(self, key: str) -> str:
        self.keeper.notes[key] = {"depth": MAX_DEPTH}
        return TOO_DEEP

    def _event(self, event: Span.Event) -> dict[str, Json]:
        return {
            "name": self.keeper.text("events", event.name),
            "time_ns": event.time_unix_nano,
            "attributes": self.attributes(event.attributes),
        }

    def _link(self, link: Span.Link) -> Json:
        return {
            "trace_id": link.trace_id.hex(),
            "span_id": link.span_id.hex(),
            "attributes": self.attributes(link.attributes),
        }


def _one_by_one(
    body: bytes, signal: _Signal, reader: _Reader, read: Callable[[Any], T]
) -> Iterator[Group[T]]:
    """Decode a request span by span: it is invalid as a whole, or could take too much memory.

    Raises TooLarge.
    """
    check_elements(body)
    counter = MessageCounter()

    def read_one(item: bytes) -> T:
        if len(item) > _LARGE_ITEM:
            counter.check(item, signal.item.DESCRIPTOR)
        try:
            return read(signal.item.FromString(item))
        except DecodeError:
            name = signal.item.DESCRIPTOR.name
            reason = f"not a valid protobuf {name} (broken text or nested too deeply)"
            raise Bad("", reason) from None

    groups = 0
    for i, of_resource in enumerate(messages(body, 1)):
        groups = _check_groups(groups)
        last = _parse_last(Resource, messages(of_resource, 1), counter)
        resource = reader.attributes(last.attributes)
        for j, of_scope in enumerate(messages(of_resource, 2)):
            groups = _check_groups(groups)
            scope = _parse_last(InstrumentationScope, messages(of_scope, 1), counter)
            context = Context(resource, reader.scope(scope))
            reader.keeper.take_notes()
            yield Group(signal.path.format(i, j), context, messages(of_scope, 2), read_one)


def _check_groups(count: int) -> int:
    if count >= MAX_GROUPS:
        raise TooLarge(f"more than {MAX_GROUPS} resources and scopes in one request")
    return count + 1


def _parse_last(kind: type[M], encoded: list[bytes], counter: MessageCounter) -> M:
    """Return the last message; a missing or invalid one is empty. Raises TooLarge."""
    if encoded and len(encoded[-1]) > _LARGE_ITEM:
        counter.check(encoded[-1], kind.DESCRIPTOR)
    try:
        return kind.FromString(encoded[-1]) if encoded else kind()
    except DecodeError:
        return kind()
