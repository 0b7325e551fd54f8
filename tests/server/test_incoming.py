"""The end of a request is found in whatever pieces its bytes arrive."""

from __future__ import annotations

import itertools
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.server.incoming import HEAD_BYTES, IncomingRequest, Malformed

LIMIT = 1_000
NEXT = b"GET /next HTTP/1.1\r\n\r\n"


def limit_of(_path: bytes) -> int:
    return LIMIT


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def fed(request: IncomingRequest, data: bytes, cuts: list[int]) -> bytes:
    """Feed ``data`` in pieces that end at ``cuts``; return what was left over."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    rest = b""
    for start, end in itertools.pairwise(edges):
        piece = data[start:end]
        rest += piece if request.complete else request.feed(piece, limit_of)
    return rest


BODIES = st.binary(max_size=300)
CUTS = st.lists(st.integers(0, 5_000), max_size=12)


@given(BODIES, CUTS)
def test_a_body_of_known_length_ends_where_it_says(body: bytes, cuts: list[int]) -> None:
    head = b"POST /v1/traces?x=1 HTTP/1.1\r\ncontent-LENGTH:  %d\r\n\r\n" % len(body)
    with closing(IncomingRequest()) as request:
        assert fed(request, head + body + NEXT, cuts) == NEXT
        assert request.complete
        assert b"".join(request.pieces()) == head + body
        assert (request.method, request.path) == (b"POST", b"/v1/traces")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), CUTS)
def test_a_chunked_body_ends_with_its_trailer(pieces: list[bytes], cuts: list[int]) -> None:
    sent = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(pieces)
    with closing(IncomingRequest()) as request:
        assert fed(request, sent + NEXT, cuts) == NEXT
        assert request.complete
        assert b"".join(request.pieces()) == sent


def test_a_body_that_is_announced_too_large_is_not_awaited() -> None:
    with closing(IncomingRequest()) as request:
        request.feed(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1), limit_of)
        assert request.complete
        assert request.too_large


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2_000, 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 413),
    ],
)
def test_what_cannot_be_served_is_refused_early(sent: bytes, status: int) -> None:
    with closing(IncomingRequest()) as request, pytest.raises(Malformed) as refused:
        request.feed(sent, limit_of)
    assert refused.value.status == status


def test_a_request_that_waits_for_permission_is_recognised_until_its_body_comes() -> None:
    with closing(IncomingRequest()) as request:
        request.feed(
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n", limit_of
        )
        assert request.expects_continue
        request.feed(b"a", limit_of)
        assert not request.expects_continue
