"""Reads request bodies: bounded before and after decompression, in bounded memory."""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Final, Protocol

import zstandard
from flask import Request, request

from tracer.errors import Invalid, TooLarge, UnsupportedMedia
from tracer.web.incoming.body_budget import reserve_body
from tracer.web.services import services
from tracer.wire.json_density import count_elements

CHUNK: Final = 64 * 1024
# Sockets are read in larger chunks: after each read, the thread must acquire the GIL again.
READ: Final = 1024 * 1024
# A zstd block of a few bytes can stand for 128 KiB, and its decompressor takes no output limit.
ZSTD_CHUNK: Final = 1024
ZSTD_WINDOW: Final = 8 * 1024 * 1024
FREE_BYTES: Final = 8 * 1024 * 1024
"""Decompressed length up to which the compression ratio is not checked."""
MAX_RATIO: Final = 200
"""Greatest compression ratio of longer bodies: real telemetry compresses 50-fold at best."""
MAX_MEMBERS: Final = 1_000
"""Greatest number of compressed streams that a body concatenates."""
ELEMENT_BYTES: Final = 50
"""Memory that one decoded JSON element takes at least."""
UNCOUNTED_BYTES: Final = FREE_BYTES // (2 * ELEMENT_BYTES)
"""Elements of shorter bodies are not counted: at 2 bytes each, they need less than FREE_BYTES."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...
    def feed(self, data: bytes) -> Iterator[bytes]: ...


def json_body() -> bytes:
    """Return the body of a JSON request; raises Invalid, TooLarge, UnsupportedMedia."""
    check_content_type(request, ("application/json",))
    return read_body(request, services().config.max_body_bytes)


def read_body(request: Request, limit: int) -> bytes:
    """Return the request's body, decompressed, without a byte order mark.

    Raises TooLarge where it is longer than ``limit`` bytes, sent or decompressed;
    UnsupportedMedia for an encoding we don't know; Invalid for a stream that is damaged or ends
    too early.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    body = b"".join(_decoded(request, encoding, limit)).removeprefix(BOM_UTF8)
    # The objects decoded from the body take memory until they are stored, often more than it does.
    elements = count_elements(body) if len(body) > UNCOUNTED_BYTES else 0
    reserve_body(len(body) + ELEMENT_BYTES * elements)
    return body


def _decoded(request: Request, encoding: str, limit: int) -> Iterator[bytes]:
    sent = _bounded(_chunks(request.stream), limit)
    if encoding in ("", "identity"):
        return sent
    if encoding not in _DECOMPRESSORS:
        known = ", ".join(_DECOMPRESSORS)
        raise UnsupportedMedia(f"Content-Encoding: expected one of {known}, got {encoding!r}")
    counted = _Counted(sent)
    pieces = _within_ratio(_decompress(counted, _DECOMPRESSORS[encoding]), counted)
    return _bounded(pieces, limit)


def check_content_type(request: Request, accepted: tuple[str, ...]) -> str:
    """Return the request's media type; raises UnsupportedMedia for none of ``accepted``.

    A web page of another origin can send none of our media types without a CORS preflight.
    """
    if request.mimetype not in accepted:
        expected = " or ".join(accepted)
        raise UnsupportedMedia(f"Content-Type: expected {expected}, got {request.mimetype!r}")
    return request.mimetype


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is longer than {limit} bytes")


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(READ):
        yield chunk


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        reserve_body(size)
        yield chunk


class _Counted:
    """The chunks of a body, with the sum of their sizes so far."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


def _within_ratio(pieces: Iterator[bytes], sent: _Counted) -> Iterator[bytes]:
    """Yield the pieces; raises TooLarge where they are far longer than what was sent."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > FREE_BYTES and size > MAX_RATIO * sent.size:
            raise TooLarge(f"the body is more than {MAX_RATIO} times as long as it was sent")
        yield piece


def _decompress(chunks: Iterable[bytes], new: Callable[[bytes], _Decompressor]) -> Iterator[bytes]:
    """Yield the decompressed stream in small pieces; several members in a row are one stream."""
    member: _Decompressor | None = None
    members = 0
    try:
        for chunk in chunks:
            while chunk:
                if member is None or member.eof:
                    members += 1
                    if members > MAX_MEMBERS:
                        raise TooLarge(f"more than {MAX_MEMBERS} compressed streams in one body")
                    member = new(chunk)
                yield from member.feed(chunk)
                chunk = member.unused_data if member.eof else b""
    except (zlib.error, zstandard.ZstdError) as error:
        raise Invalid(f"the compressed body is damaged: {error}") from None
    if member is not None and not member.eof:
        raise Invalid("the compressed body ends too early")


class _Zlib:
    """gzip, zlib or raw deflate, by zlib's window bits; at most CHUNK bytes come out at once."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._inner.decompress(data, CHUNK)
            data = self._inner.unconsumed_tail
            yield piece
            if self._inner.eof or not (data or len(piece) == CHUNK):
                return


class _Zstd:
    """One zstd frame, fed in pieces so small that the output of each stays bounded."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._rest

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_CHUNK):
            yield self._inner.decompress(data[start : start + ZSTD_CHUNK])
            if self._inner.eof:
                self._rest = data[start + ZSTD_CHUNK :]
                return


def _deflate(first: bytes) -> _Zlib:
    # HTTP's "deflate" is zlib's format, but some clients send the bare stream.
    zlib_header = len(first) > 1 and first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
    return _Zlib(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)


_DECOMPRESSORS: Final[dict[str, Callable[[bytes], _Decompressor]]] = {
    "gzip": lambda _: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": _deflate,
    "zstd": lambda _: _Zstd(),
}
