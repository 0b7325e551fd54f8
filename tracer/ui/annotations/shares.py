"""The share links of a trace or session: created, listed, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.config import is_loopback
from tracer.store.annotations import shares
from tracer.store.database.session import transaction
from tracer.ui.base.blueprint import is_fragment, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author
from tracer.web.services import services

PERIODS: Final = (
    ("24h", "for a day", timedelta(days=1)),
    ("7d", "for a week", timedelta(days=7)),
    ("30d", "for 30 days", timedelta(days=30)),
    ("", "until it is revoked", None),
)


@annotation_route("/shares", "GET")
def share_list(target: AnnotationTarget) -> str:
    """Show the links, and the form that creates one."""
    return _page(target)


@annotation_route("/shares", "POST")
def share(target: AnnotationTarget) -> str:
    """Create a link and show it, once: only a hash of its token is stored."""
    periods = {name: period for name, _, period in PERIODS}
    lasts = request.form.get("lasts", "")
    if lasts not in periods:
        refuse("Choose how long the link is valid.")
    period = periods[lasts]
    creator = author()
    with transaction():
        _, token = shares.create_share(
            target.subject,
            creator,
            expires_at=datetime.now(UTC) + period if period else None,
            show_comments=bool(request.form.get("comments")),
        )
    return _page(target, url_for("share.page", token=token, _external=True))


@annotation_route("/shares/<id:share_id>", "POST")
def revoke(target: AnnotationTarget, share_id: str) -> AnyResponse:
    """Revoke a link."""
    row = shares.get_share(target.subject.project_id, share_id)
    if row is None or not target.holds(row.trace_id, row.session_id):
        abort(404, "This link does not exist; it may have been deleted.")
    with transaction():
        shares.revoke_share(target.subject.project_id, share_id)
    return redirect(target.url("share_list"), 303)


def _page(target: AnnotationTarget, new_link: str = "") -> str:
    config = services().config
    # Behind a proxy, others reach the server over HTTPS under the first allowed name.
    name = config.allowed_names[0] if config.allowed_names and config.trusted_proxies else ""
    return render(
        "annotations/_share.html" if is_fragment() else "annotations/shares.html",
        target=target,
        rows=shares.list_shares(target.subject),
        new_link=new_link,
        periods=PERIODS,
        public=f"https://{name}{target.page_url()}" if name else "",
        public_name=name,
        loopback=is_loopback(urlsplit(f"//{request.host}").hostname or ""),
    )
