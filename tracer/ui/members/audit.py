"""The audit log of a project, or for administrators of the whole server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import msgspec
from flask import Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.members.audit import MAX_COUNTED, AuditEvent, count_events, list_events
from tracer.times import json_time, parse_time
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.render.time_zone import visitor_zone

PAGE: Final = 50
_MAX_REPEAT_GAP: Final = timedelta(minutes=1)
"""Equal entries within this time of each other share a row."""
TABS: Final = (
    ("All", ""),
    ("Logins", "action:login,logout,session,password,codes,identity"),
    ("Keys", "action:key,token"),
    ("Members", "action:member,invitation,role"),
    ("Refused", "action:refused,login.failed,login.blocked,key.refused"),
)
"""Queries of the tabs of the log, by label."""


@bp.get("/project/<project_id>/audit")
def audit_log(project_id: str) -> AnyResponse | str:
    """Show what was done in a project, latest first."""
    return _page([project_id], project_id)


@bp.get("/server/audit")
def server_audit_log() -> AnyResponse | str:
    """Show what was done in all projects and on the server."""
    return _page(None, "")


def _page(project_ids: list[str] | None, project_id: str) -> AnyResponse | str:
    text = request.args.get("q", "")
    if request.args.get("format") == "jsonl":
        return _download(list_events(project_ids, words=text.split(), limit=MAX_COUNTED))
    events = list_events(
        project_ids, words=text.split(), before=_requested_position(), limit=PAGE + 1
    )
    shown = events[:PAGE]
    values: dict[str, Any] = {"project_id": project_id} if project_id else {}
    endpoint = "ui.audit_log" if project_id else "ui.server_audit_log"
    older = ""
    if len(events) > PAGE:
        after = f"{json_time(shown[-1].time)} {shown[-1].event_id}"
        older = url_for(endpoint, **values, q=text or None, after=after)
    days = [(day, list(rows)) for day, rows in groupby(_fold(shown), _day)]
    address = url_for(endpoint, **values)
    counts = count_events(project_ids, [q.split() for _, q in TABS])
    tabs = [
        (label, url_for(endpoint, **values, q=q or None), q == text, count)
        for (label, q), count in zip(TABS, counts, strict=True)
    ]
    return render(
        "members/audit.html",
        days=days,
        text=text,
        older=older,
        address=address,
        tabs=tabs,
        export=url_for(endpoint, **values, q=text or None, format="jsonl"),
    )


def _download(events: list[AuditEvent]) -> Response:
    """Return the latest entries as JSON lines, as the API does."""
    lines = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return Response(lines, content_type="application/x-ndjson", headers=headers)


def _fold(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Return entries, latest first, where equal neighbours are one that counts its repeats."""
    rows: list[AuditEvent] = []
    earliest: datetime | None = None
    for event in events:
        if (
            earliest
            and _comparable(event) == _comparable(rows[-1])
            and earliest - event.time <= _MAX_REPEAT_GAP
        ):
            rows[-1] = replace(rows[-1], repeats=rows[-1].repeats + event.repeats)
        else:
            rows.append(event)
        earliest = event.time
    return rows


def _comparable(event: AuditEvent) -> tuple[object, ...]:
    actor = event.actor, event.actor_id, event.via, event.address
    return (*actor, event.project_id, event.action, event.subject, event.detail)


def _day(event: AuditEvent) -> date:
    return event.time.astimezone(visitor_zone()).date()


def _requested_position() -> tuple[datetime, str] | None:
    sent = request.args.get("after", "")
    if not sent:
        return None
    text, _, event_id = sent.partition(" ")
    time = parse_time(text)
    if time is None:
        abort(400, "This link is not valid. Start again from the first page.")
    return time, event_id
