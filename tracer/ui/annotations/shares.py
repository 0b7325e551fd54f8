"""The public links to a trace or session: made, listed, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations import shares
from tracer.store.database.session import transaction
from tracer.ui.base.blueprint import refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import Place, marks
from tracer.ui.base.visitor import author

PERIODS: Final = (
    ("24h", "for a day", timedelta(days=1)),
    ("7d", "for a week", timedelta(days=7)),
    ("30d", "for 30 days", timedelta(days=30)),
    ("", "until it is revoked", None),
)


@marks("/shares", "GET")
def share_list(place: Place) -> str:
    """Show the links there are, and the form for another."""
    return _page(place)


@marks("/shares", "POST")
def share(place: Place) -> str:
    """Make a link, and show it: it can't be read again."""
    lasting = {name: period for name, _, period in PERIODS}
    lasts = request.form.get("lasts", "")
    if lasts not in lasting:
        refuse("Choose how long the link is to last.")
    period = lasting[lasts]
    who = author()
    with transaction():
        _, token = shares.create_share(
            place.subject,
            who,
            expires_at=datetime.now(UTC) + period if period else None,
            show_comments=bool(request.form.get("comments")),
        )
    return _page(place, url_for("share.page", token=token, _external=True))


@marks("/shares/<id:share_id>", "POST")
def revoke(place: Place, share_id: str) -> AnyResponse:
    """Make a link lead nowhere."""
    found = shares.get_share(place.subject.project_id, share_id)
    here = (place.subject.trace_id or None, place.subject.session_id or None)
    if found is None or (found.trace_id, found.session_id) != here:
        abort(404, "This link is not here any more.")
    with transaction():
        shares.revoke_share(place.subject.project_id, share_id)
    return redirect(place.url("share_list"), 303)


def _page(place: Place, made: str = "") -> str:
    rows = shares.list_shares(place.subject)
    return render("annotations/shares.html", here=place, rows=rows, made=made, periods=PERIODS)
