"""Answers for lists of users and of spans across traces."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.store.database.paging import Page
from tracer.store.traces.span_tree import SpanRow
from tracer.store.users.users import UserRow
from tracer.times import json_time
from tracer.web.answers.traces import Money, SpanSummary, Time, span_summary


class User(msgspec.Struct, kw_only=True):
    """A user of the traced application, with sums over the user's traces."""

    id: str
    first_time: Annotated[Time, Meta(description="start of the first trace")]
    last_time: Annotated[Time, Meta(description="start of the latest trace")]
    trace_count: int
    session_count: int
    error_count: Annotated[int, Meta(description="failed traces")]
    total_tokens: int | None
    total_cost: Money | None


class UserPage(msgspec.Struct, kw_only=True):
    """A page of users."""

    data: list[User]
    next_cursor: Annotated[str | None, Meta(description="null: there are no more")]
    prev_cursor: Annotated[str | None, Meta(description="null: this is the first page")]


class SelectedSpanPage(msgspec.Struct, kw_only=True):
    """A page of spans across traces."""

    data: list[SpanSummary]
    next_cursor: Annotated[str | None, Meta(description="null: there are no more")]
    prev_cursor: Annotated[str | None, Meta(description="null: this is the first page")]


def user_page(page: Page[UserRow]) -> UserPage:
    """Return the answer for a page of users."""
    return UserPage(
        data=[user_answer(row) for row in page.items],
        next_cursor=page.older,
        prev_cursor=page.newer,
    )


def user_answer(row: UserRow) -> User:
    """Return the answer for a user."""
    return User(
        id=row.user_id,
        first_time=json_time(row.start_time),
        last_time=json_time(row.end_time),
        trace_count=row.trace_count,
        session_count=row.session_count,
        error_count=row.error_count,
        total_tokens=row.total_tokens,
        total_cost=row.total_cost,
    )


def span_page(page: Page[SpanRow], project_id: str) -> SelectedSpanPage:
    """Return the answer for a page of spans."""
    return SelectedSpanPage(
        data=[span_summary(row, project_id) for row in page.items],
        next_cursor=page.older,
        prev_cursor=page.newer,
    )
