"""The values of a trace that rollups sum. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tracer.merging.traces import Trace, shown_environment, shown_name, shown_user


class Figures(msgspec.Struct, frozen=True, gc=False):
    """The summed values of a trace, and the dimensions of its series; times in µs.

    Previous-version servers (rolling upgrade) read and write them without `session_id`.
    """

    name: str
    environment: str
    user_id: str | None
    status: str
    start: int
    end: int
    has_usage: bool
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
            has_usage=counts["metered_count"] > 0,
            usage=dict(totals.usage),
            cost=sum(totals.cost.values(), Decimal(0)) if counts["priced_count"] else None,
            session_id=trace.session_id,
        )
