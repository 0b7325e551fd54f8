"""Compiles the query of a list in two steps: cheap conditions first, then expensive ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.tree import And, Node, Spans, Words, conjuncts
from tracer.store.query.compile import Compiler
from tracer.store.query.source import Column, Table
from tracer.store.texts.conditions import has_row, text_candidate, text_verified

Verification = Callable[[Table], Column]
"""The second condition on the rows of a table or subquery with the keys of traces."""


def in_steps(
    node: Node, table: Table, clock: Clock, *, by_time: bool
) -> tuple[Column, Verification | None]:
    """Return the condition on traces in two steps; None: the first one is exact.

    The second reads the spans or texts of each trace that fulfils the first, in the order of the
    list until its page is full. ``by_time``: an index has the order of the list, so that the first
    can read spans as well, unless another index leaves few traces to sort.

    Spans are looked up trace by trace: PostgreSQL would rather look for all spans that match, as it
    takes values that come together, such as those of a failed tool, for rare.
    """
    compiler = Compiler(Grain.TRACE, table, clock)
    first: list[Column] = []
    others: list[Node] = []
    verifications: list[Verification] = []
    for item in conjuncts(node):
        if isinstance(item, Words):
            first.append(text_candidate(table, item.text))
            verifications.append(partial(text_verified, text=item.text))
        elif isinstance(item, Spans) and compiler.reads_spans(item):
            first += compiler.counts(item)
            candidate, verified = compiler.candidate(item), partial(_of_spans, item, clock)
            if candidate is None and by_time:
                first.append(verified(table))
            else:
                first += [] if candidate is None else [candidate]
                verifications.append(verified)
        else:
            others.append(item)
    chosen = sa.and_(compiler.of(And(tuple(others))), *first)
    if not verifications:
        return chosen, None
    return chosen, lambda rows: sa.and_(*(verified(rows) for verified in verifications))


def _of_spans(node: Spans, clock: Clock, rows: Table) -> Column:
    condition: Any = Compiler(Grain.TRACE, rows, clock).of_spans(node)
    return has_row(condition) if isinstance(condition, sa.Select) else condition
