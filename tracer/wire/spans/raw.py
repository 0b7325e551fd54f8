"""The common form of both OTLP encodings, and the limits of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from tracer.export.names import PREFIX
from tracer.records import Json, TraceRecord, process_of
from tracer.wire.clean import clean, clean_text
from tracer.wire.spans.resolution import RESOURCE_TABLE, dialects_of, resolve

T = TypeVar("T")

MAX_SPANS: Final = 100_000
MAX_GROUPS: Final = 20_000
"""Resources and scopes of one request, together."""
MAX_ATTRIBUTES: Final = 1_000
MAX_EVENTS: Final = 1_000
MAX_LINKS: Final = 1_000
MAX_KEY_LENGTH: Final = 1_000

SPAN_KINDS: Final = {2: "server", 3: "client", 4: "producer", 5: "consumer"}


class Bad(Exception):
    """A rejected span or log record: the invalid field and the expected value."""

    def __init__(self, field: str, reason: str):
        super().__init__(reason)
        self.field = field
        self.reason = reason


class RawSpan(msgspec.Struct, gc=False):
    """An OTLP span whose attributes are plain JSON values, cleaned and within limits."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    attributes: dict[str, Json]
    events: list[dict[str, Json]]
    """Objects of ``name``, ``time_ns`` and ``attributes``."""
    links: list[Json]
    dropped: dict[str, int]
    """The number of ``attributes``, ``events`` and ``links`` that the sender or a limit dropped."""
    notes: dict[str, Json]
    """Changes made to values, by attribute or field name."""


class RawLog(msgspec.Struct, gc=False):
    """An OTLP log record whose values are plain JSON values, cleaned and within limits."""

    trace_id: bytes
    span_id: bytes
    name: str
    """The event's name; older senders put it into the attributes."""
    time_ns: int
    body: Json
    attributes: dict[str, Json]
    notes: dict[str, Json]
    """Changes made to values, by attribute or field name."""


class Context:
    """Data shared by the spans of one ScopeSpans; their records share the same dicts."""

    __slots__ = ("dialects", "metadata", "process", "resource", "resource_facts", "scope", "trace")

    def __init__(self, resource: dict[str, Json], scope: dict[str, Json]) -> None:
        self.resource = resource
        self.process = process_of(resource)
        self.scope = scope
        self.dialects = dialects_of(scope, resource)
        self.trace = resolve(RESOURCE_TABLE, [resource]).trace()
        self.metadata: dict[str, Json] = self.trace.get("metadata", {})
        self.resource_facts: dict[str, TraceRecord] = {}
        """The trace facts of the resource, by trace id."""


class Group(NamedTuple, Generic[T]):
    """The items of one scope in their own encoding, and the function that reads one."""

    path: str
    context: Context
    items: Sequence[Any]
    read: Callable[[Any], T]
    """Raises Bad."""


class Keeper:
    """Makes values storable and keeps them within limits; collects notes of the changes.

    Text of at most ``safe_length`` characters is never too long.
    """

    __slots__ = ("_max_bytes", "notes", "safe_length")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # UTF-8 takes at most four bytes a character: shorter text needs no count.
        self.safe_length = max_bytes // 4
        self.notes: dict[str, Json] = {}

    def text(self, key: str, text: str) -> str:
        """Return ``text`` as it can be stored."""
        if len(text) <= self.safe_length and "\x00" not in text and text.isascii():
            return text
        notes: dict[str, Json] = {}
        # In an exported trace each part was within the limit; joined to one text they are longer.
        max_bytes = len(text) * 4 if key.startswith(PREFIX) else self._max_bytes
        text = clean_text(text, notes, max_bytes)
        if notes:
            self.notes[key] = notes
        return text

    def key(self, key: str) -> str:
        """Return an attribute's name as it can be stored."""
        notes: dict[str, Json] = {}
        text = clean_text(key, notes, self._max_bytes)
        if len(text) > MAX_KEY_LENGTH:
            notes |= {"truncated": True, "size": len(key)}
            # The number of notes keeps two shortened names different.
            text = f"{text[:MAX_KEY_LENGTH]}…[{len(key)} characters, {len(self.notes)}]"
        if notes:
            self.notes[text] = notes
        return text

    def value(self, key: str, value: Json) -> Json:
        """Return ``value`` as it can be stored."""
        value, notes = clean(value, max_bytes=self._max_bytes)
        if notes:
            self.notes[key] = {**self.notes.get(key, {}), **notes}
        return value

    def take_notes(self) -> dict[str, Json]:
        """Return the notes since the last call."""
        notes = self.notes
        if notes:
            self.notes = {}
        return notes


def add_otlp_facts(attributes: dict[str, Json], kind: int, trace_state: str) -> None:
    """Add the span's kind and trace state under the names OpenTelemetry uses for Jaeger."""
    if kind in SPAN_KINDS:
        attributes.setdefault("span.kind", SPAN_KINDS[kind])
    if trace_state:
        attributes.setdefault("w3c.tracestate", trace_state)


def drops(stated: tuple[int, int, int], sent: tuple[int, int, int]) -> dict[str, int]:
    """Return the numbers dropped: ``stated`` by the sender plus what exceeds the limits.

    Both arguments are counts of attributes, events and links.
    """
    if stated == _NONE and max(sent) <= _MIN_LIMIT:
        return {}
    limits = (MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS)
    counts = [
        count + max(number - limit, 0)
        for count, number, limit in zip(stated, sent, limits, strict=True)
    ]
    return {
        name: count
        for name, count in zip(("attributes", "events", "links"), counts, strict=True)
        if count > 0
    }


_NONE: Final = (0, 0, 0)
_MIN_LIMIT: Final = min(MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS)
