"""Media: a file is stored if it is the one that was announced."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO
from itertools import count, takewhile
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.store.rows import put
from tests.support.traces.records import span
from tracer.errors import Forbidden, Invalid, TracerError
from tracer.extensions import db
from tracer.store.database.session import transaction
from tracer.store.library.media import (
    CHUNK_BYTES,
    MediaUse,
    Medium,
    announce,
    get_medium,
    read_chunk,
    upload,
)
from tracer.store.schema import media_uses
from tracer.store.writing.delete import delete_trace

CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)
USE = MediaUse(trace_id="t", span_id="s", field="input")


def announced(project: str, content: bytes = CONTENT, use: MediaUse = USE) -> Medium:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    with transaction():
        medium = announce(project, digest[:22], digest, "image/png", len(content), use)
    assert medium is not None
    return medium


def store(project: str, medium: Medium, content: bytes) -> None:
    with transaction():
        upload(project, medium, BytesIO(content))


def read(project: str, media_id: str) -> list[bytes]:
    """Return the pieces of the content."""
    pieces = (read_chunk(project, media_id, number) for number in count())
    return [piece for piece in takewhile(lambda piece: piece is not None, pieces) if piece]


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, b"y" * CHUNK_BYTES])
def test_an_uploaded_file_is_read_back(project: str, content: bytes) -> None:
    medium = announced(project, content)
    assert medium.uploaded_at is None
    store(project, medium, content)
    assert b"".join(read(project, medium.media_id)) == content
    assert max((len(piece) for piece in read(project, medium.media_id)), default=0) <= CHUNK_BYTES
    medium = get_medium(project, medium.media_id)
    assert medium is not None
    assert medium.uploaded_at is not None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (CONTENT[:-1], Forbidden),
        (CONTENT + b"x", Forbidden),
        (b"", Forbidden),
        (b"z" * len(CONTENT), Invalid),
    ],
    ids=["shorter", "longer", "empty", "of the same length"],
)
def test_other_content_is_refused_and_the_first_is_kept(
    project: str, content: bytes, error: type[TracerError]
) -> None:
    medium = announced(project)
    store(project, medium, CONTENT)
    with pytest.raises(error):
        store(project, medium, content)
    assert b"".join(read(project, medium.media_id)) == CONTENT


def test_a_file_belongs_to_its_project(project: str) -> None:
    medium = announced(project)
    store(project, medium, CONTENT)
    assert get_medium("other", medium.media_id) is None
    assert read("other", medium.media_id) == []


def test_each_use_of_a_file_is_recorded_once(project: str) -> None:
    medium = announced(project)
    assert announced(project) == medium
    uses = db.session.execute(sa.select(media_uses.c.trace_id, media_uses.c.media_id)).all()
    assert uses == [("t", medium.media_id)]


def test_a_file_is_deleted_with_the_last_trace_that_uses_it(
    project: str, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("s"), span("s", trace="other"))
    shared, own = announced(project), announced(project, b"own")
    kept = announced(project, b"kept", MediaUse(trace_id="", span_id="", field="item"))
    announced(project, use=MediaUse(trace_id="other", span_id="s", field="input"))
    announced(project, b"kept")
    for medium, content in ((shared, CONTENT), (own, b"own"), (kept, b"kept")):
        store(project, medium, content)
    assert delete_trace(project, "t")
    assert get_medium(project, own.media_id) is None
    assert b"".join(read(project, own.media_id)) == b""
    assert b"".join(read(project, shared.media_id)) == CONTENT
    assert delete_trace(project, "other")
    assert get_medium(project, shared.media_id) is None
    assert b"".join(read(project, kept.media_id)) == b"kept"
    query = "SELECT count(*), count(DISTINCT media_id) FROM media_chunks"
    assert connection.execute(query).fetchone() == (1, 1)


def test_a_file_for_a_deleted_trace_is_not_kept(
    project: str, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("s"))
    medium = announced(project)
    assert delete_trace(project, "t")
    with pytest.raises(Invalid, match="deleted"):
        store(project, medium, CONTENT)
    with transaction():
        assert announce(project, medium.media_id, medium.sha256, "image/png", 1, USE) is None
    assert get_medium(project, medium.media_id) is None
    assert read(project, medium.media_id) == []
