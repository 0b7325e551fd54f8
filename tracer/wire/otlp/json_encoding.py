"""Reads OTLP/JSON into the same groups as protobuf; accepts variants of names."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

import msgspec

from tracer import exact_json
from tracer.errors import Invalid
from tracer.records import Json
from tracer.wire.clean import MAX_DEPTH, TOO_DEEP
from tracer.wire.json_density import check_density
from tracer.wire.spans.raw import (
    MAX_ATTRIBUTES,
    MAX_EVENTS,
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

T = TypeVar("T")

_decode: Final = exact_json.decode

_KINDS: Final = {
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
_DROPPED: Final = ("droppedAttributesCount", "droppedEventsCount", "droppedLinksCount")
_STATUS_CODES: Final = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


class _Names(NamedTuple):
    """Names of a signal's three levels."""

    of_resources: str
    of_scopes: str
    items: str


def spans(body: bytes, max_value_bytes: int) -> Iterator[Group[RawSpan]]:
    """Yield the ScopeSpans of ``body``. Raises Invalid if it is no trace request."""
    reader = _Reader(Keeper(max_value_bytes))
    names = _Names("resourceSpans", "scopeSpans", "spans")
    return _groups(body, names, reader, reader.span)


def logs(body: bytes, max_value_bytes: int) -> Iterator[Group[RawLog]]:
    """Yield the ScopeLogs of ``body``. Raises Invalid if it is no logs request."""
    reader = _Reader(Keeper(max_value_bytes))
    names = _Names("resourceLogs", "scopeLogs", "logRecords")
    return _groups(body, names, reader, reader.log)


def _groups(
    body: bytes, names: _Names, reader: _Reader, read: Callable[[Json], T]
) -> Iterator[Group[T]]:
    request = _parse(body)
    if not isinstance(request, dict):
        raise Invalid(f'the body is JSON, but not an object with "{names.of_resources}"')
    for i, of_resource in enumerate(_objects(request, names.of_resources, "")):
        path = f"{names.of_resources}[{i}]"
        resource = reader.attributes(_get(_object(of_resource, "resource"), "attributes"))
        for j, of_scope in enumerate(_objects(of_resource, names.of_scopes, path)):
            scope_path = f"{path}.{names.of_scopes}[{j}]"
            context = Context(resource, reader.scope(_object(of_scope, "scope")))
            reader.keeper.take_notes()
            items = _list(of_scope, names.items, scope_path)
            yield Group(scope_path, context, items, read)


def _parse(body: bytes) -> Json:
    check_density(body)
    try:
        return _decode(body)
    except RecursionError:
        raise Invalid("the JSON body is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError):
        pass
    # Slower, but accepts lone surrogates, NaN and broken UTF-8, which are then cleaned.
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), strict=False)
    except RecursionError:
        raise Invalid("the JSON body is nested too deeply") from None
    except ValueError as error:
        raise Invalid(f"the body is not valid JSON: {error}") from None


def _get(of: dict[str, Json], name: str) -> Json:
    """Return the field by its lowerCamelCase name, or by its proto name where that was sent."""
    value = of.get(name)
    if value is None and of:
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
        value = of.get(snake)
    return value


def _list(of: dict[str, Json], name: str, path: str) -> list[Json]:
    value = _get(of, name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{path}.{name}".lstrip(".") + ": expected an array")
    return value


def _objects(of: dict[str, Json], name: str, path: str) -> list[dict[str, Json]]:
    items = _list(of, name, path)
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise Invalid(f"{path}.{name}[{i}]".lstrip(".") + ": expected an object")
    return items


def _object(of: dict[str, Json], name: str) -> dict[str, Json]:
    value = _get(of, name)
    return value if isinstance(value, dict) else {}


class _Reader:
    """Reads the objects of one request."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    def span(self, span: Json) -> RawSpan:
        if not isinstance(span, dict):
            raise Bad("", "expected an object")
        attributes = self.attributes(_get(span, "attributes"))
        add_otlp_facts(
            attributes,
            _enum(_get(span, "kind"), _KINDS),
            self._text("trace_state", _get(span, "traceState")),
        )
        status = _object(span, "status")
        events, links = _sequence(span, "events"), _sequence(span, "links")
        raw = RawSpan(
            trace_id=_id(span, "traceId", 16),
            span_id=_id(span, "spanId", 8),
            parent_id=_id(span, "parentSpanId", 8),
            name=self._text("name", _get(span, "name")),
            start_ns=_nanos(span, "startTimeUnixNano"),
            end_ns=_nanos(span, "endTimeUnixNano"),
            status_code=_enum(_get(status, "code"), _STATUS_CODES),
            status_message=self._text("status_message", _get(status, "message")),
            attributes=attributes,
            events=[self._event(event) for event in events[:MAX_EVENTS] if isinstance(event, dict)],
            links=[self._link(link) for link in links[:MAX_LINKS] if isinstance(link, dict)],
            dropped=_dropped(span),
            notes={},
        )
        raw.notes = self.keeper.take_notes()
        return raw

    def log(self, log: Json) -> RawLog:
        if not isinstance(log, dict):
            raise Bad("", "expected an object")
        body = self._value("body", _get(log, "body"), MAX_DEPTH)
        raw = RawLog(
            trace_id=_id(log, "traceId", 16),
            span_id=_id(log, "spanId", 8),
            name=self._text("name", _get(log, "eventName")),
            time_ns=_nanos(log, "timeUnixNano") or _nanos(log, "observedTimeUnixNano"),
            body=self.keeper.value("body", body),
            attributes=self.attributes(_get(log, "attributes")),
            notes={},
        )
        raw.notes = self.keeper.take_notes()
        return raw

    def scope(self, scope: dict[str, Json]) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for name in ("name", "version"):
            if text := self._text("scope", _get(scope, name)):
                result[name] = text
        if attributes := self.attributes(_get(scope, "attributes")):
            result["attributes"] = attributes
        return result

    def attributes(self, pairs: Json) -> dict[str, Json]:
        if not isinstance(pairs, list):
            return {}
        keeper = self.keeper
        result: dict[str, Json] = {}
        for pair in pairs[:MAX_ATTRIBUTES]:
            if not isinstance(pair, dict):
                continue
            key = keeper.key(str(pair.get("key", "")))
            value = pair.get("value")
            text = value.get("stringValue") if isinstance(value, dict) else None
            if type(text) is str:
                result[key] = keeper.text(key, text)
            else:
                result[key] = keeper.value(key, self._value(key, value, MAX_DEPTH))
        return result

    def _value(self, key: str, value: Json, depth: int) -> Json:
        if not isinstance(value, dict):
            return None
        for name, item in value.items():
            name = name.replace("_v", "V")
            if name == "arrayValue" or name == "kvlistValue":
                return self._values(key, name, item, depth)
            if name in _SCALARS and item is not None:
                return _scalar(name, item)
            if name == "bytesValue" and item is not None:
                self.keeper.notes[key] = {"bytes": "base64"}
                return item
        return None

    def _values(self, key: str, name: str, item: Json, depth: int) -> Json:
        if depth == 0:
            self.keeper.notes[key] = {"depth": MAX_DEPTH}
            return TOO_DEEP
        values = _sequence(item, "values") if isinstance(item, dict) else []
        if name == "arrayValue":
            return [self._value(key, value, depth - 1) for value in values]
        return {
            str(pair.get("key", "")): self._value(key, pair.get("value"), depth - 1)
            for pair in values
            if isinstance(pair, dict)
        }

    def _text(self, key: str, value: Json) -> str:
        return self.keeper.text(key, value) if isinstance(value, str) else ""

    def _event(self, event: dict[str, Json]) -> dict[str, Json]:
        return {
            "name": self._text("events", _get(event, "name")),
            "time_ns": _nanos(event, "timeUnixNano"),
            "attributes": self.attributes(_get(event, "attributes")),
        }

    def _link(self, link: dict[str, Json]) -> Json:
        return {
            "trace_id": _id(link, "traceId", 16).hex(),
            "span_id": _id(link, "spanId", 8).hex(),
            "attributes": self.attributes(_get(link, "attributes")),
        }


_SCALARS: Final = frozenset(("stringValue", "intValue", "doubleValue", "boolValue"))


def _scalar(name: str, item: Json) -> Json:
    try:
        if name == "intValue" and isinstance(item, (str, float)):
            return int(item)
        if name == "intValue" and isinstance(item, dict):
            return _of_halves(item)
        if name == "doubleValue" and isinstance(item, (str, int)):
            return float(item)
    except (ValueError, OverflowError):
        pass
    return item


def _sequence(of: dict[str, Json], name: str) -> list[Json]:
    value = _get(of, name)
    return value if isinstance(value, list) else []


def _enum(value: Json, names: dict[str, int]) -> int:
    if isinstance(value, str):
        return names.get(value, int(value) if value.isdecimal() and len(value) < 10 else 0)
    return value if type(value) is int else 0


def _nanos(of: dict[str, Json], name: str) -> int:
    value = _get(of, name)
    if value is None or value == "":
        return 0
    if type(value) is int:
        return value
    if (
        isinstance(value, str)
        and value.isascii()
        and value.lstrip("-").isdigit()
        and len(value) < 100
    ):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if (number := _of_halves(value)) is not None:
        return number
    raise Bad(name, "expected nanoseconds since 1970 as a whole number or as text of digits")


def _of_halves(value: Json) -> int | None:
    """Return the 64-bit number of ``{"low", "high"}``, as OpenTelemetry for JavaScript sent it.

    The halves are signed 32-bit numbers (versions 0.41 to 0.44 of its exporter); None: it is none.
    """
    if not isinstance(value, dict):
        return None
    low, high = value.get("low"), value.get("high")
    if type(low) is not int or type(high) is not int:
        return None
    return (high << 32) + (low & 0xFFFFFFFF)


def _of_buffer(value: dict[str, Json]) -> bytes:
    """Return the bytes of ``{"type": "Buffer", "data": [1, 2]}``, as Node.js writes its buffers.

    Raises ValueError if it is none.
    """
    listed = value.get("data")
    if isinstance(listed, dict):
        listed = listed.get("data")
    if value.get("type") != "Buffer" or not isinstance(listed, list):
        raise ValueError("no buffer")
    if any(type(byte) is not int for byte in listed):
        raise ValueError("no bytes")
    return bytes(listed)


def _id(of: dict[str, Json], name: str, size: int) -> bytes:
    """Return the id's bytes: hex as OTLP requires, base64 as in plain protobuf JSON, or a list."""
    value = _get(of, name)
    if value is None or value == "":
        return b""
    try:
        if isinstance(value, dict) and len(listed := _of_buffer(value)) in (0, size):
            return listed
        if isinstance(value, str):
            if len(value) == 2 * size:
                return binascii.unhexlify(value)
            padded = value + "=" * (-len(value) % 4)
            if (
                len(decoded := b64decode(padded, altchars=_alternatives(value), validate=True))
                == size
            ):
                return decoded
    except ValueError:
        pass
    shown = f"{value!r:.80}"
    raise Bad(name, f"expected {2 * size} hex digits ({size} bytes), got {shown}")


def _alternatives(value: str) -> bytes | None:
    return b"-_" if "-" in value or "_" in value else None


def _dropped(span: dict[str, Json]) -> dict[str, int]:
    stated = [_enum(_get(span, name), {}) for name in _DROPPED]
    sent = [len(_sequence(span, name)) for name in ("attributes", "events", "links")]
    return drops((stated[0], stated[1], stated[2]), (sent[0], sent[1], sent[2]))
