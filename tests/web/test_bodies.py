"""Request bodies: every documented encoding, bounded before and after decompression."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from tracer.errors import Refused, TooLarge
from tracer.web.bodies import MAX_MEMBERS, read_body
from tracer.web.problems import status_of

LIMIT = 100_000


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
}
COMPRESSED = ["gzip", "zlib", "raw deflate", "zstd"]


def read(body: bytes, encoding: str = "", limit: int = LIMIT, chunked: bool = False) -> bytes:
    headers = {"Content-Encoding": encoding} if encoding else {}
    environ = EnvironBuilder(method="POST", headers=headers, data=body).get_environ()
    if chunked:
        del environ["CONTENT_LENGTH"]
        environ["wsgi.input_terminated"] = True
    return read_body(Request(environ), limit)


def status(body: bytes, encoding: str, chunked: bool = False) -> int:
    with pytest.raises(Refused) as caught:
        read(body, encoding, chunked=chunked)
    return status_of(caught.value)


@pytest.mark.parametrize("name", ENCODERS)
@given(body=st.binary(max_size=2000))
def test_a_body_is_read_in_every_encoding(name: str, body: bytes):
    encoding, encode = ENCODERS[name]
    assert read(encode(body), encoding) == body


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_of_many_chunks_is_read_without_a_content_length(name: str):
    encoding, encode = ENCODERS[name]
    body = bytes(range(256)) * 390
    assert read(encode(body), encoding, chunked=True) == body


@pytest.mark.parametrize("name", COMPRESSED)
def test_several_members_in_a_row_are_one_body(name: str):
    encoding, encode = ENCODERS[name]
    assert read(encode(b"one") + encode(b"two"), encoding) == b"onetwo"


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_body_that_grows_beyond_the_limit_is_refused_in_bounded_memory(name: str):
    encoding, encode = ENCODERS[name]
    bomb = encode(bytes(200_000_000))
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        assert status(bomb[:LIMIT], encoding) == 413
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(chunked: bool):
    assert status(bytes(LIMIT + 1), "", chunked) == 413


def test_a_body_of_exactly_the_limit_is_accepted():
    assert len(read(gzip.compress(bytes(LIMIT)), "gzip")) == LIMIT


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_stream_that_ends_too_early_is_refused(name: str):
    encoding, encode = ENCODERS[name]
    assert status(encode(b"some text, some text, some text")[:-5], encoding) == 400


@pytest.mark.parametrize("name", COMPRESSED)
@given(body=st.binary(min_size=1, max_size=50))
def test_bytes_that_are_not_compressed_are_read_or_refused(name: str, body: bytes):
    try:
        read(body, ENCODERS[name][0])
    except Refused as error:
        assert status_of(error) == 400  # noqa: PT017 - both outcomes are right


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "compress", "gzip;q=1"])
def test_an_unknown_encoding_is_refused(encoding: str):
    assert status(b"x", encoding) == 415


def test_the_name_of_an_encoding_may_be_written_in_capitals():
    assert read(gzip.compress(b"x"), "GZIP") == b"x"


def test_nothing_decompresses_to_nothing():
    assert read(b"", "gzip") == b""
    assert read(b"", "zstd") == b""


BOMB = 20 * 1024 * 1024


@pytest.mark.parametrize("name", ["gzip", "zlib", "zstd"])
def test_a_body_that_grows_far_beyond_what_was_sent_is_refused(name: str) -> None:
    encoding, encode = ENCODERS[name]
    with pytest.raises(TooLarge, match="times as long"):
        read(encode(bytes(BOMB)), encoding, limit=BOMB)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_body_of_many_empty_streams_is_refused(name: str) -> None:
    encoding, encode = ENCODERS[name]
    with pytest.raises(TooLarge, match="streams"):
        read(encode(b"") * (MAX_MEMBERS + 1), encoding)
