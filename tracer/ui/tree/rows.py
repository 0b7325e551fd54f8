"""The texts of a tree row, which `templates/tree/_rows.html` puts into markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tracer.store.analyses.subtrees import Subtree
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.base.blueprint import bp, quote_id
from tracer.ui.render.flags import FLAGS
from tracer.ui.render.format import count, duration, money, whole
from tracer.ui.tree.nodes import Node
from tracer.ui.tree.sibling_groups import next_cursor, rows_of
from tracer.ui.waterfall.axis import Axis
from tracer.wording import plural

bp.add_app_template_filter(rows_of)
bp.add_app_template_filter(next_cursor)

MAX_INDENT: Final = 40
"""Deeper levels are not indented further; the style sheet compresses the indent before."""
_DATE: Final = re.compile(r"-(?:\d{8}|\d{4}-\d\d-\d\d)$")


class Chip(NamedTuple):
    """A short text after the name, with an explanation where it needs one."""

    css: str
    text: str
    title: str = ""


class Box(NamedTuple):
    """A box on the time axis."""

    css: str
    style: str
    title: str = ""


# Raw values: the template escapes them. Not frozen: a page creates hundreds of rows, and creating
# a frozen one takes five times as long.
@dataclass(slots=True)
class Row:
    """The texts of one row."""

    css: str
    id: str
    quoted: str
    """The id, quoted for a query string."""
    depth: int
    name: str
    kind: str
    model: str
    """The model, if the name does not contain it; without a date at its end."""
    state: str
    """placeholder, error, running, warning or "": it selects the icon and text after the name."""
    message: str | None
    chips: list[Chip]
    boxes: list[Box]
    took: str
    tokens: str
    cost: str
    sums: tuple[str, str] | None
    """Tokens and cost of the subtree."""
    high: frozenset[str]
    """Which figures are over the p95 of its name."""


@bp.app_template_global()
def row_of(node: Node, axis: Axis, now: datetime) -> Row:
    """Return the texts of a node's row, with its boxes on ``axis``."""
    span = node.span
    state = _state(span)
    subtree = node.subtree if span.child_count else None
    took = "" if span.placeholder else duration((span.end_time or now) - span.start_time)
    return Row(
        css=_css(node),
        id=span.span_id,
        quoted=quote_id(span.span_id),
        depth=min(node.depth, MAX_INDENT),
        name=span.name,
        kind=span.kind,
        model=_model(span),
        state=state,
        message=span.status_message if state in ("error", "warning") else None,
        chips=list(_chips(node, subtree)),
        boxes=list(_boxes(node, subtree, axis, took, running=state == "running")),
        took=took,
        tokens=count(span.total_tokens),
        cost=money(span.total_cost),
        sums=(count(subtree.total_tokens), money(subtree.total_cost)) if subtree else None,
        high=node.high,
    )


def _state(span: SpanRow) -> str:
    if span.placeholder:
        return "placeholder"
    if span.status != "completed":
        return span.status
    return "warning" if span.level == "warning" else ""


def _css(node: Node) -> str:
    span = node.span
    failed = " err" if span.status == "error" else ""
    placeholder = " placeholder" if span.placeholder else ""
    outside = " outside" if node.outside_lens else ""
    return f"row k-{span.kind}{failed}{placeholder}{outside}{'' if span.child_count else ' leaf'}"


def _model(span: SpanRow) -> str:
    model = _DATE.sub("", span.model or "")
    return "" if model in span.name else model


@bp.app_template_global()
def bar_title(axis: Axis, start: datetime) -> str:
    """Return the start of a bar's title; the duration follows."""
    return f"starts at {duration(start - axis.start)}, takes "


def _chips(node: Node, subtree: Subtree | None) -> Iterator[Chip]:
    for name in node.span.flags:
        flag = FLAGS.get(name)
        yield Chip("", flag.short, flag.text) if flag else Chip("", name, name)
    if node.early:
        by = duration(node.early)
        yield Chip("warn", "clock", f"Started {by} before its parent: their clocks disagree")
    if subtree is None:
        if node.span.child_count:
            yield Chip("sum", "counting", "The totals of its subtree are being computed")
        return
    below = subtree.span_count - (0 if node.span.placeholder else 1)
    yield Chip("sum", f"Σ {whole(below)}", f"Includes {plural(below, 'span')} below it")
    if subtree.error_count:
        yield Chip("bad sum", plural(subtree.error_count, "error"))
    elif subtree.level == "warning":
        yield Chip("warn sum", "warnings")


def _boxes(
    node: Node, subtree: Subtree | None, axis: Axis, took: str, *, running: bool
) -> Iterator[Box]:
    span = node.span
    if not span.placeholder:
        bar = axis.bar(span.start_time, span.end_time, span.first_token_time)
        how = " run" if running else " gen" if bar.first_token else ""
        title = f"{bar_title(axis, span.start_time)}{took}"
        yield Box(f"bar{how}{' skew' if node.early else ''}", bar.style, title)
    if path := node.critical_path(axis):
        yield Box("crit", path.style)
    # Its subtree may still run when the span has ended.
    if subtree and span.end_time and subtree.end_time > span.end_time:
        yield Box("after sum", axis.bar(span.end_time, subtree.end_time).style)
