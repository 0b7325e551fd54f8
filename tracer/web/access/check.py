"""Checks every request against the policy, and adds changes to the audit log."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Forbidden, Unauthorized
from tracer.store.projects.projects import Project, get_project
from tracer.web.access import audit
from tracer.web.access.identity import (
    ANONYMOUS,
    Identity,
    identify_api_request,
    identify_page_request,
    members_exist,
    project_of_api_request,
)
from tracer.web.access.policy import READING, is_api, right_of
from tracer.web.access.rights import Right
from tracer.web.cors import preflight

_WRITES: Final = frozenset({Right.INGEST, Right.SCORE, Right.EDIT})
_CHANGES: Final = frozenset({Right.EDIT, Right.MANAGE, Right.OWN, Right.SERVER})


def check_access() -> AnyResponse | None:
    """Identify the sender of the request, and refuse what the policy does not allow.

    Sets ``g.identity``, and ``g.project`` or for APIs ``g.project_id``. Returns the redirect to the
    login. Raises Unauthorized, Forbidden, and 404 for a project whose existence is hidden.
    """
    g.identity = ANONYMOUS
    rule = request.url_rule.rule if request.url_rule else None
    if rule is None:
        return None  # 404 or 405
    right = right_of(request.method, rule)
    if right is Right.OPEN:
        return None
    if is_api(rule):
        if request.method == "OPTIONS":
            return preflight()
        _check_api(right)
        return None
    return _check_page(right)


def _check_api(right: Right) -> None:
    g.identity = sender = identify_api_request()
    project_id = project_of_api_request(sender)
    rights = sender.rights(project_id)
    if Right.KNOWN not in rights:
        raise Unauthorized(f"this token is of no project {project_id!r}")
    if right not in rights:
        audit.add_refusal(project_id, right)
        raise Forbidden(f"this key or token may not {right}")
    g.project_id = project_id
    if right in _WRITES and not sender.local and _is_archived(project_id):
        raise Forbidden("this project is archived: it can only be read")


def _check_page(right: Right) -> AnyResponse | None:
    g.identity = sender = identify_page_request()
    if not sender.is_known:
        return _login()
    project_id = (request.view_args or {}).get("project_id")
    if project_id is None:
        if right is Right.SERVER and not sender.administers:
            abort(403, "Only an administrator of this server can open this page.")
        return None
    _check_project(sender, project_id, right)
    return None


def _check_project(sender: Identity, project_id: str, right: Right) -> None:
    rights = sender.rights(project_id)
    project: Project | None = get_project(project_id) if Right.READ in rights else None
    if project is None:
        # One error for a missing project and one without access: existence must not leak.
        abort(404, f"There is no project “{project_id}”.")
    g.project, g.rights = project, rights
    if right not in rights:
        audit.add_refusal(project_id, right)
        abort(403, f"Your role in “{project.name}” is not enough for this.")
    if project.archived_at is not None and right in _WRITES:
        abort(403, "This project is archived: it can only be read.")


def _is_archived(project_id: str) -> bool:
    project = get_project(project_id)
    return project is None or project.archived_at is not None


def _login() -> AnyResponse:
    """Return the redirect to the login, or to the creation of the first owner."""
    if request.path.endswith(".json") or request.method not in READING:
        abort(401, "Sign in first: this page needs a login.")
    if not members_exist():
        return redirect(url_for("ui.first_owner"))
    query = request.query_string.decode("latin-1")
    path = f"{request.script_root}{quote(request.path)}{f'?{query}' if query else ''}"
    address = url_for("ui.login", next=path)
    if request.headers.get("HX-Request-Type") == "partial":
        # A fragment must not be replaced by the login page.
        return Response(status=401, headers={"HX-Redirect": url_for("ui.login")})
    return redirect(address)


def may(right: str) -> bool:
    """Return whether the sender of this request has a right in the project of the page."""
    rights: frozenset[Right] = g.get("rights", frozenset())
    return Right(right) in rights


def record_change(response: Response) -> Response:
    """Add a successful change to the audit log, unless the view has added it in more detail."""
    rule = request.url_rule.rule if request.url_rule else None
    if rule is None or request.method in READING or response.status_code >= 400:
        return response
    if right_of(request.method, rule) in _CHANGES and not g.get("audited"):
        audit.add_change(g.project_id if is_api(rule) else _page_project(), _subject())
    return response


def _page_project() -> str:
    return str((request.view_args or {}).get("project_id", ""))


def _subject() -> str:
    values: dict[str, Any] = request.view_args or {}
    return " ".join(str(value) for name, value in values.items() if name != "project_id")
