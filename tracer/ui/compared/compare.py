"""The page that shows two traces side by side, and which earlier runs it offers for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.analysis.compare.reasons import Reason
from tracer.analysis.compare.rows import ADDED, CHANGED, REMOVED, SAME, Row
from tracer.errors import TooSlow
from tracer.export import csv
from tracer.query.errors import QueryError
from tracer.store.selections.pairs import Run, earlier_runs
from tracer.store.traces.traces import TraceDetail
from tracer.ui.base.representations import Representations, html_and_json, wants_json
from tracer.ui.compared.another import find_other
from tracer.ui.compared.rows import (
    draw,
    longest_of,
    own_side,
    signed_count,
    signed_duration,
    signed_money,
)
from tracer.ui.trace.context import find_trace
from tracer.ui.waterfall.axis import Axis
from tracer.ui.waterfall.window import Window
from tracer.web.answers.comparisons import TraceComparison
from tracer.web.comparisons import compare_span, compare_traces
from tracer.wording import plural

ROWS: Final = 400
"""Rows of a page."""
SHOWN: Final = 10_000
"""µs that a reason adds; of less, its cost is shown."""
MARKS: Final = {SAME: "", CHANGED: "Δ", ADDED: "+", REMOVED: "−"}


class ComparePage:
    """Two traces, the rows of the chosen state, and the addresses of the page's other states."""

    def __init__(self, project_id: str) -> None:
        then_id, now_id = self._ids(project_id)
        self.now = find_trace(project_id, now_id)
        self.runs = earlier_runs(self.now)
        self.other = request.args.get("with", "").strip()
        self.problem = ""
        chosen = then_id or next((run.trace_id for run in self.runs), None)
        self.then = find_trace(project_id, chosen) if chosen else None
        self.state = request.args.get("show", "")
        self.start = max(request.args.get("from", 0, type=int), 0)
        self.span_id = request.args.get("span")
        self.path = url_for("ui.compare", project_id=project_id)

    def _ids(self, project_id: str) -> tuple[str | None, str]:
        ticked = request.args.getlist("trace")
        if len(ticked) == 2:
            # The later one is compared with the earlier one.
            rows = sorted(
                (find_trace(project_id, trace_id) for trace_id in ticked),
                key=lambda row: (row.start_time, row.trace_id),
            )
            return rows[0].trace_id, rows[1].trace_id
        if len(ticked) == 1:
            return None, ticked[0]
        if "now" not in request.args:
            abort(400, "Tick two traces to compare them, or one to compare it with an earlier run.")
        return request.args.get("then") or None, request.args["now"]

    def other_url(self) -> str | None:
        """Return the address with the trace that ``with`` means; None: sets `problem`."""
        try:
            other = find_other(self.other, self.now)
        except (QueryError, TooSlow) as error:
            self.problem = f"{self.other}: {error}"
            return None
        if other is None:
            self.problem = f"No other trace has the id or name, or matches the query, {self.other}"
            return None
        return self.url(then=other, span=None, **{"from": None})

    def compared(self) -> TraceComparison:
        """Return the comparison; 404: there is no earlier trace to compare with."""
        if self.then is None:
            abort(404, "There is no earlier trace to compare with.")
        return compare_traces(self.then, self.now, self.span_id)

    def url(self, **changed: object) -> str:
        """Return the address with some parameters changed; None: without them."""
        values: dict[str, object] = {
            "then": self.then.trace_id if self.then else None,
            "now": self.now.trace_id,
            "show": self.state,
            "span": self.span_id,
            "from": self.start,
        }
        kept = {name: value for name, value in (values | changed).items() if value}
        return f"{self.path}?{urlencode(kept)}"


@html_and_json("/project/<project_id>/compare")
def compare(project_id: str) -> Representations | AnyResponse:
    """Show the traces ``then`` and ``now`` as one tree; without ``then``, the last good run.

    ``show`` leaves the rows of one state, ``span`` compares the payloads of one of them, and
    ``format=csv`` returns the rows as a file. ``trace`` twice: the later with the earlier;
    once: like ``now``. ``with``: an id, link, name or query that means the trace to compare with.
    """
    page = ComparePage(project_id)
    if page.other and not wants_json() and (other_url := page.other_url()):
        return redirect(other_url)
    if request.args.get("format") == "csv":
        lines = csv.table(_COLUMNS, map(_cells, page.compared().rows))
        names = {"Content-Disposition": 'attachment; filename="compare.csv"'}
        return Response("".join(lines), headers=names, content_type="text/csv; charset=utf-8")
    return Representations(
        "compared/compare.html",
        context=lambda: _context(page),
        data=page.compared,
    )


def _context(page: ComparePage) -> dict[str, object]:
    if page.then is None:
        return {"page": page, "then": None, "now_trace": page.now}
    comparison = page.compared()
    span = comparison.span
    if page.span_id is None and (first_row := _row_to_show(comparison.rows)) is not None:
        page.span_id = own_side(first_row).span_id
        span = compare_span(page.then, page.now, comparison.rows, page.span_id)
    shown = [row for row in comparison.rows if page.state in ("", row.state)]
    part = shown[page.start : page.start + ROWS]
    rows = draw(part, comparison.rows, page.span_id, lambda span_id: page.url(span=span_id))
    axis = Axis(
        page.now.start_time,
        page.now.start_time + timedelta(microseconds=longest_of(comparison.rows)),
    )
    return {
        "page": page,
        "then": page.then,
        "now_trace": page.now,
        "comparison": comparison,
        "span": span,
        "window": Window(axis, axis),
        "why": [_why(page, reason) for reason in comparison.reasons],
        "difference": _difference(page.then, page.now, comparison),
        "title": _title(page.then, page.now, comparison),
        "facts": _facts(page.then, page.now),
        "rows": rows,
        "marks": MARKS,
        "selected": next((row for row in rows if row.selected), None),
        "total": len(shown),
        "next_from": page.start + ROWS if len(shown) > page.start + ROWS else None,
        "reasons": _reasons(page.runs),
    }


def _row_to_show(rows: Sequence[Row]) -> Row | None:
    """Return the row to show first: what fails now, else what has changed most in time.

    Of rows inside each other the inner one, and a call of a model or tool before any other.
    """
    failing = [row for row in rows if _fails_now(row)]
    if failing:
        return max(failing, key=lambda row: row.depth)
    changed = [row for row in rows if row.state == CHANGED]
    calls = [row for row in changed if row.kind in ("generation", "tool", "function")]
    return max(calls or changed, key=lambda row: abs(row.duration or 0), default=None)


def _difference(
    then: TraceDetail, now: TraceDetail, comparison: TraceComparison
) -> tuple[str, str, str, str]:
    """Return the differences of duration, tokens, cost and number of spans."""
    tokens = (now.total_tokens or 0) - (then.total_tokens or 0)
    cost = (now.total_cost or Decimal(0)) - (then.total_cost or Decimal(0))
    spans = now.span_count - then.span_count
    return (
        signed_duration(comparison.duration),
        signed_count(tokens),
        signed_money(cost),
        signed_count(spans),
    )


def _reasons(runs: Sequence[Run]) -> list[Run]:
    """Return the runs, each trace for its first reason."""
    return list({run.trace_id: run for run in reversed(runs)}.values())[::-1]


def _title(then: TraceDetail, now: TraceDetail, comparison: TraceComparison) -> str:
    """Return the difference in one line: time, cost, what was added, what fails now."""
    parts = [signed_duration(comparison.duration) or "Same duration"]
    if then.total_cost is not None or now.total_cost is not None:
        parts.append(signed_money((now.total_cost or Decimal(0)) - (then.total_cost or Decimal(0))))
    changes = [
        f"{plural(comparison.counts[state], 'span')} {state}"
        for state in (ADDED, REMOVED)
        if comparison.counts[state]
    ]
    failing = [row.name for row in comparison.rows if _fails_now(row)]
    changes += [f"{failing[-1]} failed"] if failing else []
    text = ", ".join(part for part in parts if part)
    return f"{text}: {', '.join(changes)}" if changes else text


def _fails_now(row: Row) -> bool:
    if row.now is None or row.now.level != "error":
        return False
    return row.then is None or row.then.level != "error"


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of both traces, such as the release."""

    name: str
    then: str
    now: str


def _facts(then: TraceDetail, now: TraceDetail) -> list[Fact]:
    facts = [
        Fact(label, *(str(getattr(trace, name) or "") for trace in (then, now)))
        for name, label in (
            ("name", "Name"),
            ("release", "Release"),
            ("version", "Version"),
            ("environment", "Environment"),
            ("user_id", "User"),
            ("session_id", "Session"),
        )
    ]
    models = Fact("Models", *(", ".join(trace.models) for trace in (then, now)))
    return [fact for fact in (*facts, models) if fact.then or fact.now]


@dataclass(frozen=True, slots=True)
class Why:
    """A reason with the address of its row, and what it adds in time, or else in cost."""

    reason: Reason
    url: str
    effect: str


def _why(page: ComparePage, reason: Reason) -> Why:
    effect = signed_duration(reason.duration) if abs(reason.duration or 0) >= SHOWN else ""
    url = page.url(span=reason.span_id, show=None, **{"from": None})
    return Why(reason, url, effect or signed_money(reason.cost))


_COLUMNS: Final = (
    *("state", "depth", "kind", "name", "then_span", "now_span", "then_us", "now_us"),
    *("difference_us", "tokens", "cost", "differs"),
)


def _cells(row: Row) -> list[object]:
    sides = row.then, row.now
    return [
        *(row.state, row.depth, row.kind, row.name),
        *(side and side.span_id for side in sides),
        *(side and side.duration for side in sides),
        *(row.duration, row.tokens, row.cost, " ".join(row.differs)),
    ]
