"""The targets of annotations: the routes that traces and sessions share, and their addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.bookmarks import Bookmark, get_bookmark
from tracer.store.annotations.subjects import Subject
from tracer.store.traces.sessions import SessionRow
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.blueprint import bp

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class AnnotationTarget:
    """A trace or session with the addresses of its forms."""

    subject: Subject

    @property
    def noun(self) -> str:
        """The kind of the subject in words: trace or session."""
        return "trace" if self.subject.trace_id else "session"

    @property
    def label(self) -> str:
        """The id of the trace or session."""
        return self.subject.trace_id or self.subject.session_id

    def url(self, name: str, **values: Any) -> str:
        """Return the address of one of the routes made with `annotation_route`."""
        return url_for(f"ui.{self.noun}_{name}", **self._key(), **values)

    def page_url(self, **query: Any) -> str:
        """Return the address of its page."""
        return url_for(f"ui.{self.noun}", **self._key(), **query)

    def redirect_back(self, tab: str = "") -> AnyResponse:
        """Return a redirect from a form to its page, to the span and tab that the form was in."""
        shown = {"span": self.subject.span_id, "tab": tab} if self.subject.trace_id else {}
        query = {name: value for name, value in shown.items() if value}
        return redirect(self.page_url(**query), 303)

    def holds(self, trace_id: str | None, session_id: str | None) -> bool:
        """Return whether an annotation on this trace or session is one of the target's."""
        own = self.subject.trace_id or None, self.subject.session_id or None
        return (trace_id, session_id) == own

    def _key(self) -> dict[str, Any]:
        return {name: value for name, value in self.subject.key().items() if value}


def target_of(row: TraceRow | SessionRow, project_id: str) -> AnnotationTarget:
    """Return a trace or session as the target of annotations."""
    if isinstance(row, SessionRow):
        return AnnotationTarget(Subject(project_id=project_id, session_id=row.session_id))
    return AnnotationTarget(Subject(project_id=project_id, trace_id=row.trace_id))


def read_bookmark(target: AnnotationTarget, row: TraceRow | SessionRow) -> Bookmark | None:
    """Return the bookmark of the target, which is ``row``; without a query where it has none."""
    return get_bookmark(target.subject) if row.bookmarked else None


def annotation_route(rule: str, *methods: str) -> Callable[[View], View]:
    """Serve a view at ``rule`` below traces and below sessions; its first argument is the target.

    The form field ``span`` selects a span of the trace. Raises NoSubject where there is no such
    trace, span or session.
    """

    def register(view: View) -> View:
        @wraps(view)
        def respond(
            project_id: str, trace_id: str = "", session_id: str = "", **values: Any
        ) -> Any:
            span_id = request.form.get("span") or None if trace_id else None
            subject = Subject(
                project_id=project_id, trace_id=trace_id, session_id=session_id, span_id=span_id
            )
            subject.check()
            return view(AnnotationTarget(subject), **values)

        for noun in ("trace", "session"):
            bp.add_url_rule(
                f"/project/<project_id>/{noun}s/<id:{noun}_id>{rule}",
                f"{noun}_{view.__name__}",
                respond,
                methods=methods,
            )
        return view

    return register
