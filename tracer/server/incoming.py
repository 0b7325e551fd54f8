"""The bytes of one HTTP request as they arrive, up to the end of its body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""Longest request line with headers."""
MEMORY_BYTES: Final = 1024 * 1024
"""A longer body waits in a temporary file."""
_PIECE: Final = 64 * 1024
_SIZE_LINE_BYTES: Final = 1024
_TRAILER_BYTES: Final = 16 * 1024
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CODING: Final = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECT: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})(?:[ \t]*;.*)?")


_LimitOf = Callable[[bytes], int]


class Malformed(Exception):
    """The bytes are no request that can be served; ``status`` is the HTTP status to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class IncomingRequest:
    """One request: fed with what arrives until it is complete.

    Only the end of the request is determined here; gunicorn parses and checks the complete bytes.
    """

    def __init__(self) -> None:
        self.head = bytearray()
        self.body = SpooledTemporaryFile[bytes](MEMORY_BYTES)
        self.complete = False
        self.too_large = False
        """Complete without its body, which is longer than allowed."""
        self.length = 0
        """Bytes of the body by its Content-Length; 0: no body, or chunks."""
        self.received = 0
        """Bytes of the request so far."""
        self._remaining: int | None = None
        self._chunks: _Chunks | None = None

    @property
    def has_head(self) -> bool:
        """Whether the request line and the headers have arrived."""
        return self._remaining is not None or self._chunks is not None

    @property
    def method(self) -> bytes:
        """The method of the request line; empty: it has not arrived."""
        return bytes(self.head[:16].lstrip(b"\r\n").partition(b" ")[0])

    @property
    def path(self) -> bytes:
        """The path of the request line, as it was sent."""
        line = self.head.lstrip(b"\r\n").partition(b"\r\n")[0]
        return bytes(line.partition(b" ")[2].partition(b" ")[0].partition(b"?")[0])

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        waits = self.has_head and not self.complete and self.body.tell() == 0
        return waits and _EXPECT.search(self.head) is not None

    def feed(self, data: bytes, limit_of: _LimitOf) -> bytes:
        """Add bytes that arrived; return those after the end of this request.

        ``limit_of`` gives the largest body for a path. Raises Malformed.
        """
        if not self.has_head:
            data = self._feed_head(data, limit_of)
        rest = self._feed_body(data) if self.has_head and not self.complete else data
        self.received = len(self.head) + self.body.tell()
        return rest

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the complete request."""
        yield bytes(self.head)
        self.body.seek(0)
        while piece := self.body.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Free the memory or the file of the body."""
        self.body.close()

    def _feed_head(self, data: bytes, limit_of: _LimitOf) -> bytes:
        searched = max(0, len(self.head) - 3)
        self.head += data
        end = self.head.find(b"\r\n\r\n", searched)
        if max(end, 0 if end >= 0 else len(self.head)) > HEAD_BYTES:
            raise Malformed(431, "the request line and headers are too long")
        if end < 0:
            return b""
        rest = bytes(self.head[end + 4 :])
        del self.head[end + 4 :]
        self._begin_body(limit_of(self.path))
        return rest

    def _begin_body(self, limit: int) -> None:
        if _CODING.search(self.head):
            self._chunks = _Chunks(limit)
            return
        length = _LENGTH.search(self.head)
        self.length = self._remaining = int(length[1]) if length else 0
        self.too_large = self.length > limit
        self.complete = self.too_large or self._remaining == 0

    def _feed_body(self, data: bytes) -> bytes:
        if self._chunks is not None:
            used = self._chunks.feed(data)
            self.body.write(data[:used])
            self.complete = self._chunks.ended
            return data[used:]
        assert self._remaining is not None
        taken = data[: self._remaining]
        self.body.write(taken)
        self._remaining -= len(taken)
        self.complete = self._remaining == 0
        return data[len(taken) :]


class _Chunks:
    """Finds the end of a body in chunks (RFC 9112, section 7.1)."""

    def __init__(self, limit: int) -> None:
        self.ended = False
        self._limit = self._allowed = limit
        self._line = bytearray()
        # Bytes of the current chunk, with its line end, that have not arrived.
        self._skip = 0
        self._in_trailer = False

    def feed(self, data: bytes) -> int:
        """Return how many bytes of ``data`` belong to the body. Raises Malformed."""
        position = 0
        while position < len(data) and not self.ended:
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
                continue
            end = data.find(b"\n", position)
            stop = len(data) if end < 0 else end + 1
            self._line += data[position:stop]
            position = stop
            if len(self._line) > (_TRAILER_BYTES if self._in_trailer else _SIZE_LINE_BYTES):
                raise Malformed(400, "a line of the chunked body is too long")
            if end >= 0:
                self._end_line(bytes(self._line.rstrip(b"\r\n")))
        return position

    def _end_line(self, line: bytes) -> None:
        self._line.clear()
        if self._in_trailer:
            self.ended = not line
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            raise Malformed(400, "the size of a chunk is malformed")
        length = int(size[1], 16)
        self._in_trailer = length == 0
        self._skip = length + 2 if length else 0
        self._allowed -= length
        if self._allowed < 0:
            raise Malformed(413, f"the body is longer than {self._limit} bytes")
