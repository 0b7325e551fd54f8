"""Bookmarks, comments, share links and tags of traces and sessions, deleted with them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.deletions import GONE, full_trace, score_record, tables_with
from tests.support.store.rows import put
from tests.support.traces.records import T0, span, trace_record
from tests.support.waiting import wait_until
from tracer.errors import NotFound, Unstorable
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.records import RANK_CREATE, RANK_UPDATE, ScoreRecord, TraceRecord
from tracer.store.annotations import bookmarks, comments, shares
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.annotations.summaries import ScoreSummary
from tracer.store.database.session import transaction
from tracer.store.projects import cookie_secret
from tracer.store.query.selection import Selection
from tracer.store.scores import scores
from tracer.store.traces import sessions, traces
from tracer.store.writing import delete
from tracer.store.writing.delete import delete_session, delete_trace, delete_traces

ADA = Author(name="Ada", author_id="1")
ON_TRACE = Subject(project_id="default", trace_id=GONE)
ON_SPAN = Subject(project_id="default", trace_id=GONE, span_id="child")
ON_SESSION = Subject(project_id="default", session_id="chat")


@pytest.fixture(autouse=True)
def context(project: str) -> None:
    """Store functions work."""


def mark(subject: Subject) -> None:
    with transaction():
        bookmarks.set_bookmark(subject, present=True, author=ADA)
        comments.create_comment(subject, f"about {subject.trace_id or subject.session_id}", ADA)
        shares.create_share(subject, ADA)


def edit(tags: dict[str, bool], version: int, **fields: Any) -> TraceRecord:
    return TraceRecord(
        trace_id=GONE, rank=RANK_UPDATE, version=version, tag_edits=tags, editor="Ada", **fields
    )


def of_sessions(text: str) -> Selection:
    return Selection(parse(text, Grain.SESSION))


def shown_tags() -> list[str]:
    trace = traces.get_trace("default", GONE)
    assert trace is not None
    return trace.tags


def test_annotations_are_deleted_with_their_trace(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE), *full_trace("other"))
    for subject in (ON_TRACE, ON_SPAN, Subject(project_id="default", trace_id="other")):
        mark(subject)
    assert delete.trace_contents("default", GONE) == delete.Contents(
        traces=1, spans=3, scores=1, comments=2, shares=2
    )
    before = tables_with(connection, GONE)
    assert {"bookmarks", "comments", "shares"} <= set(before)
    delete_trace("default", GONE)
    assert tables_with(connection, GONE) == []
    assert tables_with(connection, "other") == before


def test_annotations_are_deleted_with_their_session(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    mark(ON_TRACE)
    mark(ON_SESSION)
    delete_session("default", "chat")
    assert tables_with(connection, "chat") == tables_with(connection, GONE) == []


@pytest.mark.parametrize(
    "subject",
    [
        Subject(project_id="default", trace_id="nope"),
        Subject(project_id="default", trace_id=GONE, span_id="nope"),
        Subject(project_id="default", session_id="nope"),
        Subject(project_id="other", trace_id=GONE),
    ],
)
def test_a_missing_trace_or_session_can_not_be_annotated(
    connection: psycopg.Connection[Any], subject: Subject
) -> None:
    put(connection, *full_trace(GONE))
    with pytest.raises(NotFound):
        bookmarks.set_bookmark(subject, present=True)
    with pytest.raises(NotFound):
        comments.create_comment(subject, "hello", ADA)
    with pytest.raises(NotFound):
        shares.create_share(subject, ADA)


def test_a_comment_during_a_delete_is_refused(
    connection: psycopg.Connection[Any], app: Flask
) -> None:
    put(connection, *full_trace(GONE))
    errors: list[str] = []

    def comment() -> None:
        with app.app_context():
            try:
                with transaction():
                    comments.create_comment(ON_TRACE, "late", ADA)
            except NotFound as error:
                errors.append(str(error))

    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        delete_traces(other, "default", [GONE])
        thread = threading.Thread(target=comment)
        thread.start()
        wait_until(
            lambda: connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
        )
    thread.join(30)
    assert errors == [f"no trace '{GONE}'"]
    assert tables_with(connection, GONE) == []


def test_a_bookmark_keeps_its_first_author(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    bookmarks.set_bookmark(ON_TRACE, present=True, author=ADA)
    bookmarks.set_bookmark(ON_TRACE, present=True, author=Author(name="Bob"))
    bookmark = bookmarks.get_bookmark(ON_TRACE)
    assert bookmark is not None
    assert bookmark.author == "Ada"
    assert bookmarks.get_bookmark(ON_SESSION) is None
    bookmarks.set_bookmark(ON_TRACE, present=False)
    assert bookmarks.get_bookmark(ON_TRACE) is None


def test_an_edit_keeps_the_earlier_texts(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    made = comments.create_comment(ON_SPAN, "one", ADA)
    assert comments.edit_comment("default", made.comment_id, "one") == made
    for text in ("two", "three"):
        comments.edit_comment("default", made.comment_id, text)
    (comment,) = comments.list_comments(ON_TRACE)
    assert (comment.text, [edit.text for edit in comment.history]) == ("three", ["one", "two"])
    assert comment.history[0].time == made.created_at
    assert comment.edited_at is not None
    assert comment.edited_at > comment.history[1].time
    assert comments.list_comments(ON_SPAN) == [comment]
    assert comments.list_comments(ON_SESSION) == []
    assert comments.edit_comment("other", made.comment_id, "theirs") is None
    assert not comments.delete_comment("other", made.comment_id)
    assert comments.delete_comment("default", made.comment_id)
    assert comments.get_comment("default", made.comment_id) is None


def test_the_number_of_edits_is_limited(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    made = comments.create_comment(ON_TRACE, "0", ADA)
    for number in range(comments.MAX_EDITS):
        comments.edit_comment("default", made.comment_id, str(number + 1))
    with pytest.raises(Unstorable, match="edited 100 times"):
        comments.edit_comment("default", made.comment_id, "one too many")


def test_a_link_opens_until_it_expires_or_is_revoked(connection: psycopg.Connection[Any]) -> None:
    put(connection, *full_trace(GONE))
    now = datetime.now(UTC)
    row, token = shares.create_share(ON_TRACE, ADA, expires_at=now + timedelta(hours=1))
    assert shares.open_share(token) == row
    assert shares.open_share(token[:-1]) is shares.open_share("") is None
    assert token not in str(connection.execute("SELECT * FROM shares").fetchall())
    connection.rollback()
    assert shares.revoke_share("other", row.share_id) is None
    revoked = shares.revoke_share("default", row.share_id)
    assert revoked is not None
    assert revoked.revoked_at is not None
    assert shares.open_share(token) is None
    _, old = shares.create_share(ON_SESSION, ADA, expires_at=now - timedelta(seconds=1))
    assert shares.open_share(old) is None
    assert [share.hint[-4:] for share in shares.list_shares(ON_SESSION)] == [old[-4:]]


def test_tags_from_the_application_do_not_undo_a_persons_edit(
    connection: psycopg.Connection[Any],
) -> None:
    put(
        connection,
        span("a", trace=GONE),
        TraceRecord(trace_id=GONE, rank=2, version=T0, tags=["a", "b"]),
    )
    put(connection, edit({"b": False, "mine": True}, T0 + 1))
    assert shown_tags() == ["a", "mine"]
    put(connection, TraceRecord(trace_id=GONE, rank=RANK_CREATE, version=T0 + 9, tags=["b", "c"]))
    assert shown_tags() == ["a", "c", "mine"]
    replaced = TraceRecord(
        trace_id=GONE, rank=RANK_UPDATE, version=T0 + 9, tags=["b"], replace_tags=True
    )
    put(connection, replaced)
    assert shown_tags() == ["mine"]
    put(connection, edit({"mine": False, "b": True}, T0 + 10))
    assert shown_tags() == ["b"]


def test_edits_of_tags_by_two_people_at_once_are_both_kept(
    connection: psycopg.Connection[Any],
) -> None:
    put(
        connection,
        span("a", trace=GONE),
        TraceRecord(trace_id=GONE, rank=2, version=T0, tags=["a", "b"]),
    )
    # Each saw a and b: one takes a away, the other adds c.
    put(connection, edit({"a": False}, T0 + 2))
    put(connection, edit({"c": True}, T0 + 1))
    assert shown_tags() == ["b", "c"]


def test_lists_show_annotations_and_can_be_filtered_by_them(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, *full_trace(GONE), *full_trace("plain", None), span("s", trace="bare"))
    mark(ON_TRACE)
    mark(ON_SPAN)
    mark(ON_SESSION)
    rows = {row.trace_id: row for row in traces.list_traces("default").items}
    assert (rows[GONE].bookmarked, rows[GONE].comment_count) == (True, 2)
    assert rows[GONE].scores == [ScoreSummary("helpful", "numeric", 1, 1.0, None)]
    assert (rows["bare"].bookmarked, rows["bare"].comment_count, rows["bare"].scores) == (
        False,
        0,
        [],
    )
    for name, annotated in (
        ("bookmark", {GONE}),
        ("comment", {GONE}),
        ("score", {GONE, "plain"}),
    ):
        for sign, expected in (("", annotated), ("-", {*rows} - annotated)):
            page = traces.list_traces("default", Selection(parse(f"{sign}has:{name}")))
            assert {row.trace_id for row in page.items} == expected
    (session,) = sessions.list_sessions("default", of_sessions("has:bookmark")).items
    assert (session.bookmarked, session.comment_count, session.scores) == (True, 1, [])
    assert sessions.list_sessions("default", of_sessions("has:score")).items == []


def test_sessions_show_the_tags_of_their_latest_trace(connection: psycopg.Connection[Any]) -> None:
    tagged = trace_record(trace=GONE, session_id="chat")
    tagged.tags = ["beta"]
    put(connection, span("a", trace=GONE), tagged)
    (session,) = sessions.list_sessions("default", of_sessions("tag:beta")).items
    assert session.tags == ["beta"]
    assert sessions.list_sessions("default", of_sessions("tag:alpha")).items == []


def test_a_summary_has_the_mean_of_numbers_and_the_last_text(
    connection: psycopg.Connection[Any],
) -> None:
    fields = {"score_id": "x", "trace_id": GONE, "name": "tone", "data_type": "categorical"}
    later = {**fields, "score_id": "y", "string_value": "bad", "time": T0 + 1}
    put(
        connection,
        span("a", trace=GONE),
        score_record(GONE, "q", score_id="1"),
        ScoreRecord(score_id="2", trace_id=GONE, name="q", data_type="numeric", value=0, time=T0),
        ScoreRecord(**fields, string_value="good", time=T0),
        ScoreRecord(**later),
    )
    (row,) = traces.list_traces("default").items
    assert {
        summary.name: (summary.count, summary.value, summary.string_value) for summary in row.scores
    } == {
        "q": (2, 0.5, None),
        "tone": (2, None, "bad"),
    }
    assert scores.get_score("default", "y") is not None
    assert not scores.delete_score("other", "y")
    assert scores.delete_score("default", "y")
    assert scores.get_score("default", "y") is None


def test_the_signing_secret_is_created_once() -> None:
    assert len(cookie_secret.cookie_secret()) > 40
    assert cookie_secret.cookie_secret() == cookie_secret.cookie_secret()
