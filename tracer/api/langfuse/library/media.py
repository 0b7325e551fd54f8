"""Media in Langfuse's format: announced, uploaded and downloaded through signed URLs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from flask import Blueprint, Response, request, stream_with_context
from itsdangerous import BadSignature, URLSafeTimedSerializer

from tracer.api.langfuse.answers import Answer
from tracer.errors import Invalid, NotFound, Unauthorized
from tracer.store.database.session import transaction
from tracer.store.library import media
from tracer.store.library.media import MediaUse, Medium
from tracer.store.writing.writer import DELETED
from tracer.times import json_time_in_millis
from tracer.web.answers.traces import Time
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Message,
    reply,
    set_up,
    unknown,
)
from tracer.web.operations import Operation, describe
from tracer.web.problems import register_problems
from tracer.web.services import services
from tracer.wire.langfuse.library.media import MAX_MEDIA_BYTES, MediaBody, MediaReport
from tracer.wire.langfuse.times import read_sent
from tracer.wire.reading import read_storable_json

_ID_CHARACTERS: Final = 22
_VALID: Final = timedelta(hours=1)
# A browser that opens a medium must not run scripts in it.
_INERT: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "private, max-age=3600",
}
_SHOWN: Final = ("image/", "audio/", "video/")

bp = Blueprint("langfuse_media", __name__, url_prefix=PREFIX)
set_up(bp)
# The signed URLs below carry no API key: their signature is the authorisation.
content = Blueprint("langfuse_media_content", __name__, url_prefix=PREFIX)
register_problems(content)


class Announced(Answer, kw_only=True):
    """The URL for an upload; null where the content is stored already."""

    media_id: str
    upload_url: str | None


class MediumAnswer(Answer, kw_only=True):
    """An uploaded medium with a temporary URL for its download."""

    media_id: str
    content_type: str
    content_length: int
    uploaded_at: Time
    url: str
    url_expiry: Time


@bp.post("/media")
@describe(
    Operation(
        summary="Announce a media upload",
        body=MediaBody,
        answers={201: Announced},
        problems=WRITE_PROBLEMS,
    )
)
def announce() -> Response:
    """Record a medium and its use; return an upload URL unless the content is stored."""
    sent = read_sent(read_storable_json(json_body()), MediaBody)
    # Langfuse's clients derive the id from the content, and reject any other id.
    media_id = sent.sha256_hash[:_ID_CHARACTERS].replace("+", "-").replace("/", "_")
    use = MediaUse(
        trace_id=sent.trace_id or "", span_id=sent.observation_id or "", field=sent.field
    )
    if not use.trace_id and sent.dataset_id is None:
        reason = "expected the id of the trace that uses it"
        raise Invalid.of_field("traceId", reason)
    with transaction():
        medium = media.announce(
            current_project_id(),
            media_id,
            sent.sha256_hash,
            sent.content_type,
            sent.content_length,
            use,
        )
    if medium is None:
        raise Invalid.of_field("traceId", DELETED)
    # After a change of the type, the content is uploaded again.
    stored = medium.uploaded_at is not None and not medium.retyped
    upload_url = None if stored else address(medium)
    return reply(Announced(media_id=media_id, upload_url=upload_url), 201)


@bp.get("/media/<id:media_id>")
@describe(
    Operation(
        summary="Read a medium and its download URL",
        answers={200: MediumAnswer},
        problems=(*PROBLEMS, 404),
    )
)
def read_medium(media_id: str) -> Response:
    """Return an uploaded medium with a temporary URL for its download."""
    medium = media.get_medium(current_project_id(), media_id)
    if medium is None or medium.uploaded_at is None:
        raise NotFound(f"Media asset not found or not uploaded: {media_id!r}")
    return reply(
        MediumAnswer(
            media_id=medium.media_id,
            content_type=medium.content_type,
            content_length=medium.content_length,
            uploaded_at=json_time_in_millis(medium.uploaded_at),
            url=address(medium),
            url_expiry=url_expiry(),
        )
    )


@bp.patch("/media/<id:media_id>")
@describe(
    Operation(
        summary="Report the outcome of an upload",
        body=MediaReport,
        answers={200: Message},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def report(media_id: str) -> Response:
    """Accept a client's report of an upload, and ignore it: the server has seen the upload."""
    read_sent(read_storable_json(json_body()), MediaReport)
    if media.get_medium(current_project_id(), media_id) is None:
        raise unknown("Media asset", media_id)
    return reply(Message(message="OK"))


@content.put("/media/content/<token>")
def upload(token: str) -> Response:
    """Store the body as the content of the medium that the URL names."""
    project, medium = _opened(token)
    request.max_content_length = MAX_MEDIA_BYTES
    with transaction():
        media.upload(project, medium, request.stream)
    return reply(Message(message="OK"))


@content.get("/media/content/<token>")
def download(token: str) -> Response:
    """Return the content in chunks."""
    project, medium = _opened(token)
    if medium.uploaded_at is None:
        raise NotFound("the content has not been uploaded yet")
    media_type = medium.content_type.partition(";")[0].strip().lower()
    shown = media_type.startswith(_SHOWN) and media_type != "image/svg+xml"
    headers = _INERT | {
        "Content-Length": str(medium.content_length),
        "Content-Disposition": "inline" if shown else "attachment",
    }
    pieces = stream_with_context(_pieces(project, medium.media_id))
    # A type that was stored before types were checked may be invalid in a header.
    printable = medium.content_type.isascii() and medium.content_type.isprintable()
    content_type = medium.content_type if printable else "application/octet-stream"
    return Response(pieces, 200, headers, content_type=content_type)


def _pieces(project: str, media_id: str) -> Iterator[bytes]:
    """Yield the content; between chunks no connection and no snapshot is in use."""
    for index in count():
        with transaction():
            piece = media.read_chunk(project, media_id, index)
        if piece is None:
            return
        yield piece


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().secret, salt="media")


def url_expiry() -> str:
    """Return the time at which an `address` created now expires."""
    return json_time_in_millis(datetime.now(UTC) + _VALID)


def address(medium: Medium) -> str:
    """Return a signed URL of a medium's content, for its upload and its download."""
    token = _serializer().dumps([current_project_id(), medium.media_id])
    assert isinstance(token, str)
    return f"{request.host_url.rstrip('/')}{PREFIX}/media/content/{token}"


def _opened(token: str) -> tuple[str, Medium]:
    """Return (project id, medium) of a signed URL; raises Unauthorized."""
    try:
        project, media_id = _serializer().loads(token, max_age=int(_VALID.total_seconds()))
    except BadSignature:
        raise Unauthorized("this URL is invalid or has expired") from None
    medium = media.get_medium(project, media_id)
    if medium is None:
        raise NotFound("this file was deleted")
    return project, medium
