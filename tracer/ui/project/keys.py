"""The API keys of a project: the list, a new key with its secret, and revoking."""

from __future__ import annotations

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.projects.keys import ApiKey, create_key, list_keys, revoke_key
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render

_LONGEST_NAME = 100


@bp.get("/project/<project_id>/settings/keys")
def keys(project_id: str) -> str:
    """Show the keys of a project, the newest first, revoked ones included."""
    return _page(project_id)


@bp.post("/project/<project_id>/settings/keys")
def make_key(project_id: str) -> Response:
    """Create a key, and show its secret in this answer and never again."""
    name = request.form.get("name", "").strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        refuse(f"name: expected 1 to {_LONGEST_NAME} characters.")
    with transaction():
        key, secret = create_key(project_id, name)
    answer = Response(_page(project_id, key, secret), 201)
    # Not even the browser's own cache may keep the secret.
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/project/<project_id>/settings/keys/<key_id>/revoke")
def revoke(project_id: str, key_id: str) -> AnyResponse:
    """Revoke a key of the project."""
    with transaction():
        revoked = revoke_key(key_id, project_id)
    if not revoked:
        abort(404, "This project has no such key, or it is revoked already.")
    return redirect(url_for("ui.keys", project_id=project_id), 303)


def _page(project_id: str, made: ApiKey | None = None, secret: str = "") -> str:
    rows = list_keys(project_id)[::-1]
    return render(
        "project/keys.html",
        rows=rows,
        valid_count=sum(row.revoked_at is None for row in rows),
        made=made,
        secret=secret,
        endpoint=request.host_url.rstrip("/"),
        longest_name=_LONGEST_NAME,
    )
