"""Deletes a trace or session: at once where that is quick, else by a job with progress."""

from __future__ import annotations

from typing import Final

from tracer.query.fields import Grain, field_of
from tracer.query.printing import term_text
from tracer.query.tree import Equal, Term
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.jobs import jobs
from tracer.store.jobs.changes import Delete
from tracer.store.jobs.jobs import JobRow
from tracer.store.writing import delete
from tracer.store.writing.delete import Contents

MOST_TRACES: Final = 500
MOST_SPANS: Final = 50_000
"""What a request deletes by itself: about two seconds of work."""


def contents_of(subject: Subject) -> Contents | None:
    """Return what a delete of a trace or session removes; None: the project has none such."""
    if subject.trace_id:
        return delete.trace_contents(subject.project_id, subject.trace_id)
    return delete.session_contents(subject.project_id, subject.session_id)


def delete_subject(
    subject: Subject, contents: Contents, *, delay: float = 0, author: Author | None = None
) -> JobRow | None:
    """Delete a trace or session; return the job that does so where it is large.

    The job starts after ``delay`` seconds, and can be undone until then.
    """
    if contents.traces > MOST_TRACES or contents.spans > MOST_SPANS:
        return _create_job(subject, delay, author)
    if subject.trace_id:
        delete.delete_trace(subject.project_id, subject.trace_id)
    else:
        delete.delete_session(subject.project_id, subject.session_id)
    return None


def _create_job(subject: Subject, delay: float, author: Author | None) -> JobRow:
    query, selected = _selection(subject)
    with transaction():
        return jobs.create_job(
            subject.project_id, Delete(), selected, query=query, delay=delay, author=author
        )


def _selection(subject: Subject) -> tuple[str | None, jobs.Selected]:
    if subject.trace_id:
        return None, [subject.trace_id]
    session_id = subject.session_id
    field = field_of(Grain.TRACE, "session")
    assert field is not None
    text = term_text(Term(field, None, (Equal(session_id),)))
    return text, lambda table: table.c.session_id == session_id
