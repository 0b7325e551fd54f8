"""Media files: announced, then uploaded and read in chunks, so that none is held in memory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.errors import Forbidden, Invalid
from tracer.extensions import db
from tracer.store.database.locks import lock_keys
from tracer.store.database.session import driver
from tracer.store.deletion.tombstones import deleted_traces
from tracer.store.schema import media, media_chunks, media_uses

CHUNK_BYTES: Final = 1024 * 1024


class Readable(Protocol):
    """A stream of bytes, such as the body of a request."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Medium:
    """A media file of a project."""

    media_id: str
    sha256: str
    """SHA-256 of the content, in base64."""
    content_type: str
    content_length: int
    """Length in bytes as announced; uploads of other lengths are rejected."""
    uploaded_at: datetime | None
    """None: announced but not uploaded."""
    created_at: datetime
    retyped: bool = False
    """Whether the current announcement has changed its content type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaUse:
    """A use of a medium; `span_id` empty: by the trace; `trace_id` empty too: by a dataset item."""

    trace_id: str
    span_id: str
    field: str


def announce(
    project_id: str, media_id: str, sha256: str, content_type: str, length: int, use: MediaUse
) -> Medium | None:
    """Return the medium of that id, created if necessary, and record its use.

    A later announcement replaces the type, and until the upload also the length. None: the trace
    that uses it was deleted; nothing is recorded.
    """
    # A late announcement must not restore parts of a deleted trace.
    if use.trace_id and _deleted(project_id, use.trace_id):
        return None
    values = {
        "project_id": project_id,
        "media_id": media_id,
        "sha256": sha256,
        "content_type": content_type,
        "content_length": length,
    }
    query = insert(media).values(values)
    previous = get_medium(project_id, media_id)
    # The upsert also locks the row: a delete of the last use must wait for this use.
    keys = [media.c.project_id, media.c.media_id]
    # Ids are beginnings of hashes: another content of the same id must not change this one. And
    # the length of stored content is final, since the content has passed the check of its hash.
    same = media.c.sha256 == sha256
    pending = sa.and_(same, media.c.uploaded_at.is_(None))
    changes = {
        "content_type": sa.case((same, content_type), else_=media.c.content_type),
        "content_length": sa.case((pending, length), else_=media.c.content_length),
    }
    db.session.execute(query.on_conflict_do_update(index_elements=keys, set_=changes))
    used = {
        "project_id": project_id,
        "media_id": media_id,
        "trace_id": use.trace_id,
        "span_id": use.span_id,
        "field": use.field,
    }
    db.session.execute(insert(media_uses).values(used).on_conflict_do_nothing())
    medium = get_medium(project_id, media_id)
    if medium is None or previous is None:
        return medium
    return replace(medium, retyped=previous.content_type != medium.content_type)


def list_media(project_id: str, media_ids: Collection[str]) -> dict[str, Medium]:
    """Return the uploaded ones of these media, by id."""
    query = sa.select(*_MEDIUM).where(
        media.c.project_id == project_id,
        media.c.media_id.in_(media_ids),
        media.c.uploaded_at.is_not(None),
    )
    return {row.media_id: Medium(**row._mapping) for row in db.session.execute(query)}


def _deleted(project_id: str, trace_id: str) -> bool:
    connection = driver()
    lock_keys(connection, [(project_id, trace_id)])
    return bool(deleted_traces(connection, [(project_id, trace_id)]))


def get_medium(project_id: str, media_id: str) -> Medium | None:
    """Return the medium, uploaded or not; None: there is none of this id."""
    query = sa.select(*_MEDIUM).where(
        media.c.project_id == project_id, media.c.media_id == media_id
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else Medium(**row._mapping)


def upload(project_id: str, medium: Medium, content: Readable) -> None:
    """Store the content. Raises Forbidden for another length, Invalid for another hash.

    Clients know both statuses from signed URLs of object stores.
    """
    _delete_content(project_id, medium.media_id)
    digest, length = hashlib.sha256(), 0
    for index, chunk in enumerate(_chunks(content)):
        digest.update(chunk)
        length += len(chunk)
        # Checked in the loop, so that no upload fills the disk beyond the announced length.
        if length > medium.content_length:
            break
        values = {
            "project_id": project_id,
            "media_id": medium.media_id,
            "number": index,
            "data": chunk,
        }
        db.session.execute(sa.insert(media_chunks).values(values))
    if length != medium.content_length:
        received = "more" if length > medium.content_length else f"{length}"
        raise Forbidden(f"expected {medium.content_length} bytes, got {received}")
    if base64.b64encode(digest.digest()).decode() != medium.sha256:
        raise Invalid("the content's SHA-256 differs from the announced one")
    query = (
        sa.update(media)
        .where(media.c.project_id == project_id, media.c.media_id == medium.media_id)
        .values(uploaded_at=sa.func.now())
        .returning(media.c.media_id)
    )
    if db.session.execute(query).one_or_none() is None:
        raise Invalid("the trace that uses it was deleted")


def read_chunk(project_id: str, media_id: str, index: int) -> bytes | None:
    """Return chunk ``index`` (from 0) of the content, at most CHUNK_BYTES; None: no such chunk."""
    query = sa.select(media_chunks.c.data).where(
        media_chunks.c.project_id == project_id,
        media_chunks.c.media_id == media_id,
        media_chunks.c.number == index,
    )
    data: bytes | None = db.session.scalar(query)
    return data


_MEDIUM = [media.c[name] for name in Medium.__dataclass_fields__ if name in media.c]


def _delete_content(project_id: str, media_id: str) -> None:
    db.session.execute(
        sa.delete(media_chunks).where(
            media_chunks.c.project_id == project_id, media_chunks.c.media_id == media_id
        )
    )


def _chunks(content: Readable) -> Iterator[bytes]:
    pending = b""
    while received := content.read(CHUNK_BYTES):
        pending += received
        while len(pending) >= CHUNK_BYTES:
            yield pending[:CHUNK_BYTES]
            pending = pending[CHUNK_BYTES:]
    if pending:
        yield pending
