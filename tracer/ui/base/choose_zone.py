"""The form in which visitors choose the time zone of all times."""

from __future__ import annotations

from typing import Final

from flask import redirect, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import requested_back
from tracer.ui.render.time_zone import COOKIE, is_chosen, zone_name, zone_names

_YEAR: Final = 365 * 24 * 3600


@bp.get("/time-zone")
def time_zone_form() -> str:
    """Show in which zone times are shown, and a form that changes it."""
    back = requested_back()
    return render(
        "base/time_zone.html",
        names=zone_names(),
        zone=zone_name() or "UTC",
        chosen=is_chosen(),
        back=back,
    )


@bp.post("/time-zone")
def choose_time_zone() -> AnyResponse:
    """Store the zone of the form in a cookie; without one, the browser's zone applies again."""
    name = request.form.get("zone", "")
    if name and name not in zone_names():
        refuse("zone: expected the name of a time zone, such as Europe/Berlin.")
    back = requested_back()
    response = redirect(back or request.path, 303)
    if name:
        response.set_cookie(
            COOKIE, name, max_age=_YEAR, secure=request.is_secure, samesite="Lax", path="/"
        )
    else:
        response.delete_cookie(COOKIE, path="/")
    return response
