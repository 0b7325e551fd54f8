"""The dashboard of a page with its state in the address: time, query, values of variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from flask import request, url_for

from tracer.dashboards.document import Dashboard, range_of
from tracer.dashboards.library import HOME, ready
from tracer.dashboards.tile_questions import Frame
from tracer.errors import Invalid
from tracer.measure.buckets import Frame as TimeRange
from tracer.measure.buckets import frame_of
from tracer.query.edit import narrowed
from tracer.query.errors import QueryError
from tracer.query.fields import Grain
from tracer.query.highlight import Segment, segments
from tracer.query.moments import parse_moment
from tracer.query.parse import parse
from tracer.query.tree import EVERYTHING
from tracer.store.library.dashboards import get_dashboard
from tracer.ui.render.time_zone import visitor_clock, visitor_zone

PERIODS: Final = (
    ("-1h", "Last hour"),
    ("-24h", "Last 24 hours"),
    ("-7d", "Last 7 days"),
    ("-30d", "Last 30 days"),
    ("-90d", "Last 90 days"),
)
_PREFIX: Final = "v_"
"""Begins the parameters of variables, so that none hides another parameter."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable with its chosen value; "": any."""

    name: str
    field: str
    value: str

    @property
    def parameter(self) -> str:
        """The parameter of the address that has its value."""
        return f"{_PREFIX}{self.name}"


class Shown:
    """A dashboard as a request shows it: the visitor's query narrows the dashboard's.

    A query or range with an error is not applied.
    """

    def __init__(self, project_id: str, dashboard_id: str) -> None:
        self.project_id = project_id
        self.dashboard_id = dashboard_id
        self.version = 0
        """0: it comes with Tracer and can't be changed."""
        self.dashboard: Dashboard
        if (own := ready(dashboard_id)) is not None:
            self.dashboard = own
        else:
            stored = get_dashboard(project_id, dashboard_id)
            self.dashboard, self.version = stored.dashboard, stored.version
        self.error: QueryError | None = None
        self.range_error = ""
        self.text = request.args.get("q", "").strip()
        self.range = self._range(request.args.get("range", ""))

    def _range(self, sent: str) -> str:
        since, until = request.args.get("from", ""), request.args.get("to", "")
        sent = f"{since}..{until}" if since and until else sent
        try:
            if sent:
                _time_range(sent)
        except Invalid as error:
            self.range_error = str(error)
            return self.dashboard.range
        return sent or self.dashboard.range

    @cached_property
    def choices(self) -> list[Choice]:
        """The variables with the values that are chosen."""
        return [
            Choice(
                each.name,
                each.field,
                request.args.get(f"{_PREFIX}{each.name}", each.value).strip(),
            )
            for each in self.dashboard.variables
        ]

    @cached_property
    def frame(self) -> Frame:
        """What all tiles share."""
        values = {choice.name: choice.value for choice in self.choices}
        try:
            node = parse(self.text)
        except QueryError as error:
            self.error = error
            node = EVERYTHING
        query = narrowed(self.dashboard.query, Grain.TRACE, node) if node != EVERYTHING else ""
        return Frame(self.range, query or self.dashboard.query, values)

    @property
    def segments(self) -> list[Segment]:
        """The text of the query in segments to colour."""
        return segments(self.text, self.error)

    @property
    def state(self) -> Mapping[str, str]:
        """The parameters that differ from the defaults of the dashboard."""
        values = {
            "range": "" if self.range == self.dashboard.range else self.range,
            "q": self.text,
            **{choice.parameter: choice.value for choice in self.choices if choice.value},
        }
        return {name: value for name, value in values.items() if value}

    def url(self, endpoint: str = "", *, anchor: str = "", **changed: str | int) -> str:
        """Return an address of this dashboard with its state; ``changed`` replaces or adds to it.

        Without an endpoint: that of the page. Integers are parts of the path.
        """
        parts = {name: value for name, value in changed.items() if isinstance(value, int)}
        state = {**self.state, **{n: v for n, v in changed.items() if n not in parts}}
        query = urlencode({name: value for name, value in state.items() if value})
        path = self._path(endpoint, parts)
        return f"{path}{f'?{query}' if query else ''}{f'#{anchor}' if anchor else ''}"

    def _path(self, endpoint: str, parts: Mapping[str, int]) -> str:
        if not endpoint and self.dashboard_id == HOME:
            return url_for("ui.project_home", project_id=self.project_id)
        values: dict[str, Any] = {"dashboard_id": self.dashboard_id, **parts}
        return url_for(endpoint or "ui.dashboard", project_id=self.project_id, **values)

    @property
    def period(self) -> str:
        """The name of the range of time."""
        named = dict(PERIODS).get(self.range)
        if named is not None:
            return named
        if "T" in self.range:
            return " to ".join(text.replace("T", " ") for text in self.inputs)
        return self.range.replace("..", " to ")

    @property
    def inputs(self) -> tuple[str, str]:
        """The start and end of the range in the visitor's zone, as fields of a form have them."""
        since, until = (time.astimezone(visitor_zone()) for time in self.dates)
        return f"{since:%Y-%m-%dT%H:%M}", f"{until:%Y-%m-%dT%H:%M}"

    @property
    def dates(self) -> tuple[datetime, datetime]:
        """The start and end of the range."""
        frame = _time_range(self.range)
        return frame.since, frame.until

    @property
    def period_before(self) -> str:
        """The name of the previous period, with which numbers are compared."""
        since, until = self.dates
        length = until - since
        if length >= timedelta(days=2):
            return f"the {round(length / timedelta(days=1))} days before"
        return f"the {round(length / timedelta(hours=1))} hours before"


def _time_range(text: str) -> TimeRange:
    """Return the start and end of a range now; raises Invalid."""
    since, until = range_of(text)
    until_moment = parse_moment(until)
    assert until_moment is not None
    return frame_of((parse_moment(since), until_moment), 0, visitor_clock(), None)
