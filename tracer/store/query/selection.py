"""A query with the clock that its times are relative to: what a list shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.tree import EVERYTHING, And, Node, Words, both, conjuncts
from tracer.store.query.compile import condition
from tracer.store.query.source import Column, Table
from tracer.store.texts.conditions import text_candidate, text_verified

Verification = Callable[[Table], Column]


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one grain that match a query."""

    node: Node = EVERYTHING
    clock: Clock | None = None
    """None: the time of the statement, in UTC."""

    def condition(self, grain: Grain, table: Table) -> Column:
        """Return the SQL condition on rows of ``table``."""
        return condition(self.node, grain, table, self.clock or Clock(datetime.now(UTC)))

    def in_steps(
        self, grain: Grain, table: Table
    ) -> tuple[Column, Callable[[Table], Column] | None]:
        """Return the condition in two steps, where the second is dear; None: there is one step.

        The second is made for a table or subquery of what the first one leaves: it looks texts up
        in the payloads of all spans of a trace.
        """
        nodes = conjuncts(self.node)
        texts = [node.text for node in nodes if isinstance(node, Words)]
        if grain is not Grain.TRACE or not texts:
            return self.condition(grain, table), None
        others = tuple(node for node in nodes if not isinstance(node, Words))
        candidates = (text_candidate(table, text) for text in texts)
        first = Selection(And(others), self.clock).condition(grain, table)
        return sa.and_(first, *candidates), lambda rows: sa.and_(
            *(text_verified(rows, text) for text in texts)
        )

    def narrowed(self, node: Node) -> Selection:
        """Return the selection of those rows that match ``node`` as well."""
        return Selection(both(self.node, node), self.clock)


ALL = Selection()
"""Every row."""
