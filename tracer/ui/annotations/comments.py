"""Comments on traces, spans and sessions: created, edited and deleted by their authors."""

from __future__ import annotations

from flask import abort, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations import comments
from tracer.store.annotations.comments import MAX_CHARACTERS
from tracer.store.database.session import transaction
from tracer.ui.annotations.answer import annotations_of
from tracer.ui.base.blueprint import refuse
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author, current_visitor


@annotation_route("/comments", "POST")
def comment(target: AnnotationTarget) -> AnyResponse | str:
    """Add a comment."""
    text, writer = _text(), author(named=True)
    with transaction():
        comments.create_comment(target.subject, text, writer)
    return annotations_of(target, "comments")


@annotation_route("/comments/<id:comment_id>", "POST")
def change_comment(target: AnnotationTarget, comment_id: str) -> AnyResponse | str:
    """Edit the visitor's own comment, or with ``action=delete`` delete it."""
    project_id = target.subject.project_id
    row = comments.get_comment(project_id, comment_id)
    if row is None or not target.holds(row.trace_id, row.session_id):
        abort(404, "This comment does not exist; it may have been deleted.")
    if not current_visitor().wrote(row.author_id):
        abort(403, "Only its author can change a comment.")
    text = None if request.form.get("action") == "delete" else _text()
    with transaction():
        if text is None:
            comments.delete_comment(project_id, comment_id)
        else:
            comments.edit_comment(project_id, comment_id, text)
    return annotations_of(target, "comments")


def _text() -> str:
    # Browsers send CRLF line ends.
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    if not text:
        refuse("The comment is empty.")
    if len(text) > MAX_CHARACTERS:
        refuse(f"At most {MAX_CHARACTERS:,} characters; this has {len(text):,}.")
    return text
