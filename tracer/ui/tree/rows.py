"""What a row of the tree says, in strings: `templates/tree/_rows.html` puts them into markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tracer.store.analyses.subtrees import Subtree
from tracer.store.traces.span_tree import SpanRow
from tracer.ui.base.blueprint import bp, quote_id
from tracer.ui.render.flags import FLAGS
from tracer.ui.render.format import count, duration, money, plural, whole
from tracer.ui.tree.nodes import Node
from tracer.ui.tree.sibling_runs import next_cursor, rows_of
from tracer.ui.waterfall.axis import Axis

bp.add_app_template_filter(rows_of)
bp.add_app_template_filter(next_cursor)

DEEPEST: Final = 11
"""Levels below are indented no further: their rows need the room."""


class Chip(NamedTuple):
    """A word behind the name, and where it needs one its explanation."""

    css: str
    text: str
    title: str = ""


class Mark(NamedTuple):
    """A box on the time axis."""

    css: str
    style: str


# As the spans have it: nothing in here is escaped, that is the template's part. And not frozen:
# a page makes hundreds of them, and a frozen one takes five times as long to make.
@dataclass(slots=True)
class Row:
    """A node as its row shows it."""

    css: str
    id: str
    quoted: str
    """The id as a query string takes it."""
    depth: int
    name: str
    kind: str
    model: str | None
    state: str
    """What its icon and words behind the name say: lost, error, running, warning; or nothing."""
    message: str | None
    chips: list[Chip]
    marks: list[Mark]
    took: str
    tokens: str
    cost: str
    sums: tuple[str, str] | None
    """Tokens and cost with all that is under it."""


@bp.app_template_global()
def row_of(node: Node, axis: Axis, now: datetime) -> Row:
    """Return what the row of a node says, its times as they lie on ``axis``."""
    span = node.span
    state = _state(span)
    under = node.subtree if span.child_count else None
    took = "" if span.placeholder else duration((span.end_time or now) - span.start_time)
    return Row(
        css=_css(span),
        id=span.span_id,
        quoted=quote_id(span.span_id),
        depth=min(node.depth, DEEPEST),
        name=span.name,
        kind=span.kind,
        model=span.model,
        state=state,
        message=span.status_message if state in ("error", "warning") else None,
        chips=list(_chips(node, under)),
        marks=list(_marks(node, under, axis, running=state == "running")),
        took=took,
        tokens=count(span.total_tokens),
        cost=money(span.total_cost),
        sums=(count(under.total_tokens), money(under.total_cost)) if under else None,
    )


def _state(span: SpanRow) -> str:
    if span.placeholder:
        return "lost"
    if span.status != "completed":
        return span.status
    return "warning" if span.level == "warning" else ""


def _css(span: SpanRow) -> str:
    failed = " err" if span.status == "error" else ""
    lost = " lost" if span.placeholder else ""
    return f"row k-{span.kind}{failed}{lost}{'' if span.child_count else ' leaf'}"


def _chips(node: Node, under: Subtree | None) -> Iterator[Chip]:
    for name in node.span.flags:
        flag = FLAGS.get(name)
        yield Chip("", flag.short, flag.text) if flag else Chip("", name, name)
    if node.early:
        by = duration(node.early)
        yield Chip("warn", "clock", f"Began {by} before its parent: their clocks run differently")
    if under is None:
        if node.span.child_count:
            yield Chip("sum", "counting", "What is under it is still being counted")
        return
    below = under.span_count - (0 if node.span.placeholder else 1)
    yield Chip("sum", f"Σ {whole(below)}", f"Adds up the {plural(below, 'span')} under it")
    if under.error_count:
        yield Chip("bad sum", plural(under.error_count, "error"))
    elif under.level == "warning":
        yield Chip("warn sum", "warnings")


def _marks(node: Node, under: Subtree | None, axis: Axis, *, running: bool) -> Iterator[Mark]:
    span = node.span
    if not span.placeholder:
        bar = axis.bar(span.start_time, span.end_time, span.first_token_time)
        how = " run" if running else " gen" if bar.first_token else ""
        yield Mark(f"bar{how}{' skew' if node.early else ''}", bar.style)
    if path := node.path(axis):
        yield Mark("crit", path.style)
    # What is under it may go on when it has ended.
    if under and span.end_time and under.end_time > span.end_time:
        yield Mark("after sum", axis.bar(span.end_time, under.end_time).style)
