"""Where marks are made: the routes that traces and sessions have alike, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations import bookmarks, comments
from tracer.store.annotations.bookmarks import Bookmark
from tracer.store.annotations.comments import CommentRow
from tracer.store.annotations.subjects import Subject
from tracer.store.scores import scores
from tracer.store.scores.scores import ScoreKind, ScoreRow
from tracer.store.traces.sessions import SessionRow
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.blueprint import bp

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Place:
    """A trace or session as templates mark it; what they show of it is read when they do."""

    subject: Subject
    bookmarked: bool = True
    """False: it is known to have no bookmark; else it is looked for."""

    @property
    def noun(self) -> str:
        """What it is called: trace or session."""
        return "trace" if self.subject.trace_id else "session"

    @property
    def label(self) -> str:
        """What it is called in a line."""
        return self.subject.trace_id or self.subject.session_id

    @property
    def bookmark(self) -> Bookmark | None:
        """Its bookmark."""
        return bookmarks.get_bookmark(self.subject) if self.bookmarked else None

    @property
    def comments(self) -> list[CommentRow]:
        """All comments on it."""
        return comments.list_comments(self.subject)

    @property
    def scores(self) -> list[ScoreRow]:
        """The scores of a session."""
        return scores.list_scores(self.subject.project_id, session_id=self.subject.session_id)

    @property
    def score_kinds(self) -> list[ScoreKind]:
        """What was judged by hand in this project lately."""
        return scores.list_kinds(self.subject.project_id)

    def url(self, name: str, **values: Any) -> str:
        """Return the address of one of the routes made with `marks`."""
        return url_for(f"ui.{self.noun}_{name}", **self._key(), **values)

    def page_url(self, **query: Any) -> str:
        """Return the address of its page."""
        return url_for(f"ui.{self.noun}", **self._key(), **query)

    def back(self, tab: str = "") -> AnyResponse:
        """Return to its page after a form, to the span and tab that the form was in."""
        shown = {"span": self.subject.span_id, "tab": tab} if self.subject.trace_id else {}
        query = {name: value for name, value in shown.items() if value}
        return redirect(self.page_url(**query), 303)

    def _key(self) -> dict[str, Any]:
        return {name: value for name, value in self.subject.key().items() if value}


def place_of(row: TraceRow | SessionRow, project_id: str) -> Place:
    """Return where marks of a trace or session are made."""
    if isinstance(row, SessionRow):
        return Place(Subject(project_id=project_id, session_id=row.session_id), row.bookmarked)
    return Place(Subject(project_id=project_id, trace_id=row.trace_id), row.bookmarked)


def marks(rule: str, *methods: str) -> Callable[[View], View]:
    """Serve a view below traces and below sessions; it gets the Place first.

    A form's field ``span`` says which span of the trace is meant.
    """

    def register(view: View) -> View:
        @wraps(view)
        def answer(project_id: str, trace_id: str = "", session_id: str = "", **values: Any) -> Any:
            span_id = request.form.get("span") or None if trace_id else None
            subject = Subject(
                project_id=project_id, trace_id=trace_id, session_id=session_id, span_id=span_id
            )
            subject.check()
            return view(Place(subject), **values)

        for noun in ("trace", "session"):
            bp.add_url_rule(
                f"/project/<project_id>/{noun}s/<id:{noun}_id>{rule}",
                f"{noun}_{view.__name__}",
                answer,
                methods=methods,
            )
        return view

    return register
