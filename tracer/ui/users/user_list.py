"""The list of the users of the traced application."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.query.fields import Grain
from tracer.store.database.paging import Page
from tracer.store.metrics.no_user import sums_without_user
from tracer.store.users.details import LATEST, UserDetails, user_details
from tracer.store.users.users import UserRow, list_users
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.frame import list_page
from tracer.ui.lists.kinds import TRACES, USERS
from tracer.ui.lists.lengths import LENGTHS, bars_since, beginning, length_of, midnight
from tracer.ui.lists.saved_views import default_view
from tracer.ui.query.list_query import KEPT, ListQuery, term
from tracer.web.answers.users import user_page

INTERVALS: Final = 28


@dataclass(frozen=True, slots=True)
class Trend:
    """The traces of a user over time, as the path of bars of a height of 20."""

    all: str
    failed: str


@html_and_json("/project/<project_id>/users")
def user_list(project_id: str) -> Representations | AnyResponse:
    """Show the users that a query selects, latest activity first, with sums over their traces."""
    if (opened := default_view(USERS, project_id)) is not None:
        return opened
    query = ListQuery(request.args, Grain.USER, USERS.url(project_id), keep=("of", *KEPT))
    length = length_of(query.kept.get("of"))
    since = beginning(length)
    page = list_users(
        *(project_id, query.selection, request.args.get("cursor")),
        sort=query.sort_parameter,
        since=since,
    )
    return list_page(
        *(USERS, project_id, query, page),
        rows=lambda _: _context(project_id, query, page, length, since),
        data=lambda: user_page(page),
    )


def _context(
    project_id: str, query: ListQuery, page: Page[UserRow], length: str, since: datetime | None
) -> dict[str, object]:
    first = min((row.start_time for row in page.items), default=datetime.now(UTC))
    begin = since or midnight(first)
    width, bars = bars_since(begin)
    ids = [row.user_id for row in page.items]
    details = user_details(project_id, ids, begin, width) if ids else {}
    # As the last row, so that the sums of the list are those of all traces.
    no_user_row = sums_without_user(project_id, since) if not (query.shown or page.newer) else None
    return {
        "details": details,
        "trends": {user_id: trend(detail) for user_id, detail in details.items()},
        "trend_width": 5 * bars - 1,
        "since": since if since and length != "24h" else None,
        "failed_url": partial(_failed_url, project_id, _period(since, length)),
        "latest": LATEST,
        "no_user_row": no_user_row,
        "max_cost": max((row.total_cost for row in page.items if row.total_cost), default=None),
        "length": length,
        "lengths": [(name, label, query.url(of=name)) for name, (label, _) in LENGTHS.items()],
    }


def _period(since: datetime | None, length: str) -> str:
    """Return the term of the traces that are summed up; "" for all."""
    if since is None:
        return ""
    return f"start:>-{length}" if length == "24h" else f"start:>={since:%Y-%m-%dT%H:%MZ}"


def _failed_url(project_id: str, period: str, user_id: str) -> str:
    """Return the address of the failed traces that a row sums up: of a user, or without a user."""
    own = term("user", user_id) if user_id else "-has:user"
    return TRACES.url(project_id, q=f"{own} status:error {period}".rstrip())


def interval(since: datetime) -> timedelta:
    """Return the length of each of the `INTERVALS` from a time until now, at least a minute."""
    return max((datetime.now(UTC) - since) / INTERVALS, timedelta(minutes=1))


def trend(detail: UserDetails) -> Trend:
    """Return the bars of a user's trend, as high as the largest interval."""
    maximum = max((count for _, count, _ in detail.trend), default=1)
    return Trend(
        bars_path([(n, count / maximum) for n, count, _ in detail.trend]),
        bars_path([(n, failed / maximum) for n, _, failed in detail.trend]),
    )


def bars_path(values: Iterable[tuple[int, float]]) -> str:
    """Return the path of bars of a height of 20, of (interval, height from 0 to 1)."""
    return "".join(
        f"M{n * 5} 20v-{max(1.0, 18 * height):.1f}h4V20" for n, height in values if height > 0
    )
