"""The API keys of a project: create, rotate and revoke them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.members.audit import AuditEvent, list_events
from tracer.store.projects.keys import (
    ApiKey,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.web.access import audit
from tracer.web.access.identity import identity
from tracer.web.access.rights import KEY_KINDS

PERIODS: Final = (("", "never"), ("90", "in 90 days"), ("365", "in a year"))
OVERLAPS: Final = (("0", "no longer"), ("1", "1 hour"), ("24", "24 hours"), ("168", "7 days"))
KINDS: Final = {
    "write": "write: send spans and scores",
    "read": "read: all of the project",
    "scores": "scores: send scores",
    "all": "all: write, read, change and delete",
}
assert set(KINDS) == set(KEY_KINDS)
_MAX_NAME_LENGTH: Final = 100
_MAX_REFUSALS: Final = 200
_SOON: Final = timedelta(days=7)
_MAX_ENDED_AGE: Final = timedelta(days=30)


@bp.get("/project/<project_id>/settings/keys")
def keys(project_id: str) -> str:
    """Show the keys, and the form for a new one."""
    return _page(project_id)


@bp.post("/project/<project_id>/settings/keys")
def make_key(project_id: str) -> Response:
    """Create a key and show its secret, once: only its hash is stored."""
    name = request.form.get("name", "").strip()
    kind, days = request.form.get("kind", "all"), request.form.get("days", "")
    if not 1 <= len(name) <= _MAX_NAME_LENGTH:
        refuse(f"name: expected 1 to {_MAX_NAME_LENGTH} characters.")
    if kind not in KINDS or days not in dict(PERIODS):
        refuse("Choose the rights of the key, and when it expires.")
    expires_at = datetime.now(UTC) + timedelta(days=int(days)) if days else None
    with transaction():
        key, secret = create_key(
            project_id, name, kind, expires_at=expires_at, created_by=_member_name()
        )
        audit.add("key.create", name, project_id, key_id=key.key_id, kind=kind)
    return _show_secret_once(project_id, key, secret)


@bp.post("/project/<project_id>/settings/keys/<key_id>/rotate")
def rotate(project_id: str, key_id: str) -> Response:
    """Create a successor of a key, which goes on working for the chosen time."""
    key, hours = _key(project_id, key_id), request.form.get("overlap", "")
    if hours not in dict(OVERLAPS):
        refuse("Choose how long the old secret works.")
    with transaction():
        successor, secret = rotate_key(key, timedelta(hours=int(hours)), _member_name())
        audit.add("key.rotate", key.name, project_id, key_id=key_id, overlap_hours=int(hours))
    return _show_secret_once(project_id, successor, secret)


@bp.post("/project/<project_id>/settings/keys/<key_id>/revoke")
def revoke(project_id: str, key_id: str) -> AnyResponse:
    """Revoke a key with immediate effect."""
    key = _key(project_id, key_id)
    with transaction():
        revoke_key(key_id, project_id)
        audit.add("key.revoke", key.name, project_id, key_id=key_id)
    return redirect(url_for("ui.keys", project_id=project_id), 303)


def _show_secret_once(project_id: str, key: ApiKey, secret: str) -> Response:
    response = Response(_page(project_id, key, secret), 201)
    # Not even the browser's own cache may keep the secret.
    response.headers["Cache-Control"] = "no-store"
    return response


def _key(project_id: str, key_id: str) -> ApiKey:
    key = get_key(project_id, key_id)
    if key is None or not key.is_valid(datetime.now(UTC)):
        abort(404, "This key does not exist; it may have been deleted.")
    return key


def _member_name() -> str | None:
    member = identity().member
    return member.name if member else None


def _page(project_id: str, new: ApiKey | None = None, secret: str = "") -> str:
    now = datetime.now(UTC)
    rows = list_keys(project_id)
    ended = [row for row in rows if not row.is_valid(now)]
    context: dict[str, Any] = {
        "keys": [row for row in rows if row.is_valid(now)],
        "ended": [row for row in ended if now - _end(row) < _MAX_ENDED_AGE],
        "refused": _refused(project_id) if ended else {},
        "new": new,
        "secret": secret,
        "endpoint": f"{request.host_url.rstrip('/')}{request.script_root}",
        "kinds": KINDS,
        "periods": PERIODS,
        "overlaps": OVERLAPS,
        "soon": now + _SOON,
    }
    return render("project/keys.html", **context)


def _refused(project_id: str) -> dict[str, AuditEvent]:
    """Return by the id of a key that has ended the latest entry about a request with it."""
    events = list_events([project_id], words=["action:key.refused"], limit=_MAX_REFUSALS)
    return {event.detail["key_id"]: event for event in reversed(events)}


def _end(key: ApiKey) -> datetime:
    return key.revoked_at or key.expires_at or key.created_at
