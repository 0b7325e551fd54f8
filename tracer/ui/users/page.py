"""The page of one user: what the user's traces took over time, and how they were judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from tracer.errors import NotFound
from tracer.query.fields import Grain
from tracer.store.query.facets import Facets, count_facets
from tracer.store.traces import sessions, traces
from tracer.store.users.scores import UserScore, user_scores
from tracer.store.users.users import get_user
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.columns import Column
from tracer.ui.lists.histogram import OverTime, over_time
from tracer.ui.lists.kinds import SESSIONS, TRACES
from tracer.ui.lists.lengths import LENGTHS, length_of
from tracer.ui.query.list_query import ListQuery, term
from tracer.ui.users.user_list import bars_path, interval
from tracer.web.answers.users import User, user_answer

_USUAL: Final = "30d"
_ROWS: Final = 10
_FACETS: Final = {"name": "Names", "model": "Models", "release": "Releases", "env": "Environments"}
_MEASURES: Final = ("count", "latency", "cost")


@dataclass(frozen=True, slots=True)
class UserPageData:
    """The page of a user as JSON: sums over all traces; charts, values and scores of a period."""

    user: User
    over_time: OverTime
    values: Mapping[str, object]
    scores: list[UserScore]


@html_and_json("/project/<project_id>/users/<id:user_id>")
def user(project_id: str, user_id: str) -> Representations:
    """Show a user: sums, charts over time, scores, names, the latest sessions and traces."""
    row = get_user(project_id, user_id)
    if row is None:
        raise NotFound.of("user", user_id)
    length = length_of(request.args.get("of"), _USUAL)
    since = datetime.now(UTC) - (LENGTHS[length][1] or (datetime.now(UTC) - row.start_time))
    query = _traces(project_id, user_id, "" if length == "all" else f"start:>-{length}")
    charts = over_time(project_id, TRACES, query, *_MEASURES)
    values = count_facets(project_id, query.selection, list(_FACETS))
    scores = user_scores(project_id, user_id, since, interval(since))
    return Representations(
        "users/page.html",
        context=lambda: {
            **_lists(project_id, user_id),
            "user": row,
            "over": charts,
            "query": query,
            "facts": _facts(values, query),
            "scores": [(score, _score_path(score)) for score in scores],
            "length": length,
            "lengths": _lengths(project_id, user_id),
            "failed_url": query.url(f"{term('user', user_id)} status:error"),
            "since": max(since, row.start_time),
        },
        data=lambda: UserPageData(user_answer(row), charts, values.values, scores),
    )


def _traces(project_id: str, user_id: str, period: str = "") -> ListQuery:
    text = f"{term('user', user_id)} {period}".strip()
    return ListQuery(MultiDict({"q": text}), Grain.TRACE, TRACES.url(project_id))


def _lengths(project_id: str, user_id: str) -> list[tuple[str, str, str]]:
    return [
        (name, label, url_for("ui.user", project_id=project_id, user_id=user_id, of=name))
        for name, (label, _) in LENGTHS.items()
    ]


def _lists(project_id: str, user_id: str) -> dict[str, object]:
    """Return the latest sessions and traces of the user, whenever they were."""
    of_sessions = ListQuery(
        MultiDict({"q": term("user", user_id, Grain.SESSION)}),
        Grain.SESSION,
        SESSIONS.url(project_id),
    )
    of_traces = _traces(project_id, user_id)
    return {
        "session_page": sessions.list_sessions(project_id, of_sessions.selection, limit=_ROWS),
        "session_query": of_sessions,
        "session_columns": _columns(SESSIONS.columns.chosen(""), "user", "scores"),
        "trace_page": traces.list_traces(project_id, of_traces.selection, limit=_ROWS),
        "trace_query": of_traces,
        "trace_columns": _columns(TRACES.columns.chosen(""), "user", "scores"),
    }


def _columns(columns: list[Column], *without: str) -> list[Column]:
    return [column for column in columns if column.name not in without]


def _facts(counted: Facets, query: ListQuery) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """Return (label, (value, traces, address of the list with it)) of each field."""
    return [
        (
            label,
            [(value.text, value.traces, query.toggle_url(field, value.text)) for value in values],
        )
        for field, label in _FACETS.items()
        if (values := counted.values[field])
    ]


def _score_path(score: UserScore) -> str:
    """Return the bars of a score's means, from 0 to its highest."""
    means = [mean for _, mean in score.trend]
    low, high = min([0.0, *means]), max([0.001, *means])
    return bars_path([(n, (mean - low) / ((high - low) or 1)) for n, mean in score.trend])
