"""The bookmark of a trace or session: set and removed by a form of one button."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.bookmarks import get_bookmark, set_bookmark
from tracer.store.database.session import transaction
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author


@annotation_route("/bookmark", "POST")
def bookmark(target: AnnotationTarget) -> AnyResponse | str:
    """Set the bookmark, or with ``action=remove`` remove it."""
    present, setter = request.form.get("action") != "remove", author()
    with transaction():
        set_bookmark(target.subject, present=present, author=setter)
    if is_fragment():
        current = get_bookmark(target.subject)
        return render("annotations/_bookmark.html", target=target, bookmark=current)
    return target.redirect_back()
