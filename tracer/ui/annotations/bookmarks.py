"""The star of a trace or session: set and taken away by a form of one button."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.bookmarks import set_bookmark
from tracer.store.database.session import transaction
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import Place, marks
from tracer.ui.base.visitor import author


@marks("/bookmark", "POST")
def bookmark(place: Place) -> AnyResponse | str:
    """Bookmark it, or with ``action=remove`` no longer."""
    there, who = request.form.get("action") != "remove", author()
    with transaction():
        set_bookmark(place.subject, there=there, author=who)
    if is_fragment():
        return render("annotations/_bookmark.html", here=place)
    return place.back()
