"""Deletes a trace or session: a small one at once, a large one by a job with progress."""

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

MAX_TRACES: Final = 500
MAX_SPANS: Final = 50_000
"""Limits of a delete within the request, which takes about two seconds; a job deletes more."""


def contents_of(subject: Subject) -> Contents | None:
    """Return the contents that a delete of the subject removes; None: it doesn't exist."""
    if subject.trace_id:
        return delete.trace_contents(subject.project_id, subject.trace_id)
    return delete.session_contents(subject.project_id, subject.session_id)


def delete_subject(
    subject: Subject, contents: Contents, *, delay: float = 0, author: Author | None = None
) -> JobRow | None:
    """Delete a small trace or session, else return a new job that deletes it.

    The job starts after ``delay`` seconds, and can be undone until then.
    """
    if contents.traces > MAX_TRACES or contents.spans > MAX_SPANS:
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
