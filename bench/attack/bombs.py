"""Bombs: request bodies that decode to far more memory than was sent."""

from __future__ import annotations

import gzip
import http.client
import time
from typing import Final, NamedTuple

import zstandard

from bench.family import Family

_MANY: Final = 5_000_000
_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"


class Bomb(NamedTuple):
    """A request body as it is sent."""

    name: str
    body: bytes
    content_type: str
    encoding: str = ""


class Outcome(NamedTuple):
    """The status of the response to a bomb, its duration and the memory that the server took."""

    name: str
    sent_bytes: int
    status: int
    seconds: float
    memory_bytes: int


def _field(number: int, data: bytes) -> bytes:
    size, length = len(data), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def bombs() -> list[Bomb]:
    """Return a bomb of each kind."""
    spans = _field(1, _field(2, b"\x12\x00" * _MANY))
    attributes = _field(1, _field(2, _field(2, b"\x4a\x00" * _MANY)))
    objects = b'{"resourceSpans":[' + b"{}," * _MANY + b"{}]}"
    empty_frame = zstandard.ZstdCompressor().compress(b"")
    return [
        Bomb("empty spans, gzip", gzip.compress(spans), _PROTOBUF, "gzip"),
        Bomb("empty spans", spans, _PROTOBUF),
        Bomb("empty resources", b"\x0a\x00" * _MANY, _PROTOBUF),
        Bomb("empty scopes", _field(1, b"\x12\x00" * _MANY), _PROTOBUF),
        Bomb("empty attributes", attributes, _PROTOBUF),
        Bomb("empty objects, gzip", gzip.compress(objects), _JSON, "gzip"),
        Bomb("empty objects", objects, _JSON),
        Bomb("empty zstd frames", empty_frame * 1_000_000, _PROTOBUF, "zstd"),
    ]


def send_bomb(server: Family, bomb: Bomb) -> Outcome:
    """Send a bomb; return the status, and by how much the server's memory grew until then."""
    before = server.memory().rss
    headers = {"Content-Type": bomb.content_type}
    if bomb.encoding:
        headers["Content-Encoding"] = bomb.encoding
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    started = time.monotonic()
    client.request("POST", "/v1/traces", bomb.body, headers)
    response = client.getresponse()
    response.read()
    seconds = time.monotonic() - started
    client.close()
    grown = max(server.memory().rss - before, 0)
    return Outcome(bomb.name, len(bomb.body), response.status, seconds, grown)
