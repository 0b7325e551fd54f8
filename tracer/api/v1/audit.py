"""The audit log of the key's project, as JSON lines."""

from __future__ import annotations

from datetime import datetime

import msgspec
from flask import Blueprint, Response

from tracer.errors import Invalid
from tracer.store.members.audit import AuditEvent, list_events
from tracer.times import parse_time
from tracer.web.keys import current_project_id
from tracer.web.operations import Operation, describe, read_query, set_up

bp = Blueprint("audit", __name__, url_prefix="/api/v1")
set_up(bp)

MEDIA = "application/x-ndjson"


class AuditQuery(msgspec.Struct, kw_only=True):
    """Filters: `q` has words that must all occur, `after` a previous entry's time and event_id."""

    q: str = ""
    after: str = ""
    limit: int = 1_000


@bp.get("/audit")
@describe(
    Operation(
        summary="Read the audit log, latest first",
        query=AuditQuery,
        answers={},
        files=(MEDIA,),
        problems=(400, 401, 403),
    )
)
def read_audit() -> Response:
    """Return one entry a line."""
    query = read_query(AuditQuery)
    if not 1 <= query.limit <= 10_000:
        raise Invalid.of_field("limit", "expected 1 to 10000")
    events = list_events(
        [current_project_id()],
        words=query.q.split(),
        before=_position(query.after),
        limit=query.limit,
    )
    lines = b"".join(_encode(event) for event in events)
    return Response(lines, content_type=MEDIA)


def _encode(event: AuditEvent) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def _position(after: str) -> tuple[datetime, str] | None:
    if not after:
        return None
    text, _, event_id = after.partition(" ")
    time = parse_time(text)
    if time is None:
        raise Invalid.of_field("after", "expected <time> <event_id> of an entry")
    return time, event_id
