"""Small bodies that would take much memory or time to decode are refused before decoding."""

from __future__ import annotations

import tracemalloc

import pytest

from tracer.errors import TooLarge
from tracer.wire.otlp import protobuf_scan
from tracer.wire.otlp.log_request import decode_logs
from tracer.wire.otlp.request import JSON, PROTOBUF, decode_traces
from tracer.wire.reading import read_json

MANY = 300_000
MEGABYTE = 1024 * 1024


def field(number: int, data: bytes) -> bytes:
    """Return a length-delimited field of a protobuf message."""
    size, length = len(data), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def in_span(data: bytes) -> bytes:
    return field(1, field(2, field(2, data)))


def empty(number: int) -> bytes:
    return bytes([number << 3 | 2, 0]) * MANY


BOMBS = {
    "empty spans": field(1, field(2, empty(2))),
    "empty resources": empty(1),
    "empty scopes": field(1, empty(2)),
    "attributes": in_span(empty(9)),
    "events": in_span(empty(11)),
    "links": in_span(empty(13)),
    "elements of a value": in_span(field(9, field(2, field(5, empty(1))))),
    "attributes of a resource": field(1, field(1, empty(1))),
    "unknown fields": b"\x78\x00" * MANY,
}
JSON_BOMBS = {
    "objects": b"{},",
    "lists": b"[],",
    "numbers": b"1,",
    "objects with a key": b'{"":0},',
}


SPAN = field(1, b"t" * 16) + field(2, b"s" * 8) + field(5, b"n") + b"\x39" + b"\1" * 8


def texts(number: int, text: bytes) -> bytes:
    """Return a request of ``number`` spans, each with this input."""
    value = field(9, field(1, b"input.value") + field(2, field(1, text)))
    return field(1, field(2, field(2, SPAN + value) * number))


SPREAD = {
    "fields over spans": field(1, field(2, field(2, SPAN + b"\x78\x00" * 390_000) * 2)),
    "attributes over spans": field(1, field(2, field(2, SPAN + b"\x4a\x00" * 190_000) * 2)),
    "JSON in texts": texts(4, b"[" + b"[]," * 330_000 + b"[]]"),
}


@pytest.mark.parametrize("name", SPREAD)
def test_a_bomb_in_many_parts_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf_scan, "LARGEST", 1)
    with pytest.raises(TooLarge):
        decode_traces(SPREAD[name], PROTOBUF, max_value_bytes=MEGABYTE)


def test_json_of_too_many_elements_is_refused_though_each_is_long() -> None:
    body = b"[" + b'{"aaaaaaaaaa":1},' * 1_000_001 + b"1]"
    with pytest.raises(TooLarge, match="elements of JSON"):
        read_json(body)


@pytest.mark.parametrize("name", BOMBS)
def test_a_protobuf_bomb_is_refused_before_it_is_decoded(name: str) -> None:
    with pytest.raises(TooLarge):
        decode_traces(BOMBS[name], PROTOBUF, max_value_bytes=MEGABYTE)


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_a_json_bomb_is_refused_before_it_is_decoded(name: str) -> None:
    body = b'{"resourceSpans":[' + JSON_BOMBS[name] * MANY + b"{}]}"
    with pytest.raises(TooLarge):
        decode_traces(body, JSON, max_value_bytes=MEGABYTE)
    with pytest.raises(TooLarge):
        read_json(body)


def test_the_refusal_takes_little_memory() -> None:
    body = field(1, field(2, b"\x12\x00" * 2_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decode_traces(body, PROTOBUF, max_value_bytes=MEGABYTE)
        assert tracemalloc.get_traced_memory()[1] < 50 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_bomb_of_log_records_is_refused() -> None:
    with pytest.raises(TooLarge):
        decode_logs(field(1, field(2, empty(2))), PROTOBUF, max_value_bytes=MEGABYTE)


def test_a_large_request_of_ordinary_spans_is_decoded() -> None:
    span = field(1, b"t" * 16) + field(2, b"s" * 8) + field(5, b"name") + b"\x39" + b"\1" * 8
    span += field(9, field(1, b"key") + field(2, field(1, b"x" * 500))) * 3
    body = field(1, field(2, field(2, span) * 1_000))
    assert len(body) > MEGABYTE
    decoded = decode_traces(body, PROTOBUF, max_value_bytes=MEGABYTE)
    assert (decoded.total, decoded.item_errors) == (1_000, [])
