"""The audit log of a project, or for administrators of the whole server."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from flask import abort, request, url_for

from tracer.store.members.audit import AuditEvent, list_events
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.render.time_zone import reader_zone

PAGE: Final = 50
TABS: Final = (
    ("All", ""),
    ("Logins", "action:login,logout,session,password,codes,identity"),
    ("Keys", "action:key,token"),
    ("Members", "action:member,invitation,role"),
    ("Refused", "action:refused,login.failed,login.blocked,key.refused"),
)
"""By label, the query of a part of the log."""


@bp.get("/project/<project_id>/audit")
def audit_log(project_id: str) -> str:
    """Show what was done in a project, latest first."""
    return _page([project_id], project_id)


@bp.get("/server/audit")
def server_audit_log() -> str:
    """Show what was done in all projects and on the server."""
    return _page(None, "")


def _page(project_ids: list[str] | None, project_id: str) -> str:
    text = request.args.get("q", "")
    events = list_events(project_ids, words=text.split(), before=_position(), limit=PAGE + 1)
    shown = events[:PAGE]
    values: dict[str, Any] = {"project_id": project_id} if project_id else {}
    endpoint = "ui.audit_log" if project_id else "ui.server_audit_log"
    older = ""
    if len(events) > PAGE:
        after = f"{shown[-1].time.isoformat()} {shown[-1].event_id}"
        older = url_for(endpoint, **values, q=text or None, after=after)
    days = [(day, list(rows)) for day, rows in groupby(shown, _day)]
    address = url_for(endpoint, **values)
    tabs = [(label, url_for(endpoint, **values, q=q or None), q == text) for label, q in TABS]
    return render(
        "members/audit.html", days=days, text=text, older=older, address=address, tabs=tabs
    )


def _day(event: AuditEvent) -> date:
    return event.time.astimezone(reader_zone()).date()


def _position() -> tuple[datetime, str] | None:
    sent = request.args.get("after", "")
    if not sent:
        return None
    time, _, event_id = sent.partition(" ")
    try:
        return datetime.fromisoformat(time), event_id
    except ValueError:
        abort(400, "This link is not valid. Start again from the first page.")
