"""Pure: what dashboards measure of a trace."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tracer.merging.traces import Trace, shown_environment, shown_name, shown_user


class Figures(msgspec.Struct, frozen=True, gc=False):
    """The values of a trace that are summed, and those that they are summed by; times in µs.

    A server of the version before reads and writes them without `session_id`.
    """

    name: str
    environment: str
    user_id: str | None
    status: str
    start: int
    end: int
    metered: bool
    usage: dict[str, int]
    cost: Decimal | None
    session_id: str | None = None

    @classmethod
    def of(cls, trace: Trace) -> Figures:
        """Return the current figures of a trace."""
        start, end = trace.bounds()
        counts, totals = trace.totals.counts, trace.totals
        return cls(
            name=shown_name(trace),
            environment=shown_environment(trace),
            user_id=shown_user(trace),
            status=trace.status,
            start=start,
            end=end,
            metered=counts["metered_count"] > 0,
            usage=dict(totals.usage),
            cost=sum(totals.cost.values(), Decimal(0)) if counts["priced_count"] else None,
            session_id=trace.session_id,
        )
