"""Comments on traces, spans and sessions: written, edited and deleted by whoever wrote them."""

from __future__ import annotations

from flask import abort, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations import comments
from tracer.store.annotations.comments import MOST_CHARACTERS
from tracer.store.database.session import transaction
from tracer.ui.annotations.answer import remarks
from tracer.ui.base.blueprint import refuse
from tracer.ui.base.subjects import Place, marks
from tracer.ui.base.visitor import author, reader


@marks("/comments", "POST")
def comment(place: Place) -> AnyResponse | str:
    """Add a comment."""
    text, who = _text(), author(named=True)
    with transaction():
        comments.create_comment(place.subject, text, who)
    return remarks(place, "comments")


@marks("/comments/<id:comment_id>", "POST")
def change_comment(place: Place, comment_id: str) -> AnyResponse | str:
    """Change one's own comment, or with ``action=delete`` delete it."""
    project_id = place.subject.project_id
    found = comments.get_comment(project_id, comment_id)
    here = (place.subject.trace_id or None, place.subject.session_id or None)
    if found is None or (found.trace_id, found.session_id) != here:
        abort(404, "This comment is not here any more.")
    if not reader().wrote(found.author_id):
        abort(403, "Only who wrote a comment can change it.")
    text = None if request.form.get("action") == "delete" else _text()
    with transaction():
        if text is None:
            comments.delete_comment(project_id, comment_id)
        else:
            comments.edit_comment(project_id, comment_id, text)
    return remarks(place, "comments")


def _text() -> str:
    # A form's lines end as on paper, and PostgreSQL has no text with a NUL in it.
    text = request.form.get("text", "").replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        refuse("Write something first.")
    if len(text) > MOST_CHARACTERS:
        refuse(f"At most {MOST_CHARACTERS:,} characters; this has {len(text):,}.")
    return text
