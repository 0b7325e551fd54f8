"""The block of traces that is generated, and how its copies are spread over the days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

END: Final = int(datetime(2026, 11, 30, tzinfo=UTC).timestamp()) * 1_000_000
"""The start of the latest trace (µs)."""
DAYS: Final = 30
_MIN_TRACES: Final = 25_000
"""Traces of a block that has copies."""
_COPIES: Final = (40, 20, 10, 4, 2, 1)
"""Each divides the hours of the days, so that copies keep the hours of rollups."""
_SAME_USERS: Final = 64
"""The most frequent users, who are the same in all copies."""
_TRACES_OF_SESSION: Final = 6


class Block(NamedTuple):
    """Traces that are generated one by one, and the number of their copies in the database."""

    traces: int
    copies: int
    spans: float
    """The mean number of spans of a trace; most have fewer and a few have many more."""

    @classmethod
    def of(cls, traces: int, spans: float, min_traces: int = _MIN_TRACES) -> Block:
        """Return the block that makes ``traces`` traces; at least ``min_traces``, if possible."""
        copies = next(copies for copies in _COPIES if copies == 1 or copies * min_traces <= traces)
        return cls(traces // copies, copies, spans)

    @property
    def hours(self) -> int:
        """Hours from the first trace to the last."""
        return DAYS * 24 // self.copies

    @property
    def users(self) -> int:
        """Users of all copies."""
        return self.traces * self.copies // 40 + 1

    def session_of(self, number: int) -> str | None:
        """Return the session of the trace with this number; those of copies are the next ones."""
        session, index = divmod(number, _TRACES_OF_SESSION)
        return f"session-{session * self.copies:08d}" if index < 3 else None

    def columns_of_copy(self, copy: int) -> dict[str, str]:
        """Return SQL for the columns by which a copy differs from the block."""
        earlier = f"- interval '{copy * self.hours} hours'"
        number = "substr(user_id, 6)::int"
        span = "left(md5('{}' || {}), 16)"
        return {
            "trace_id": f"md5('{copy}' || trace_id)",
            **{
                name: span.format(copy, name)
                for name in ("span_id", "parent_span_id", "root_span_id", "score_id")
            },
            "user_id": f"'user-' || ({number} # CASE WHEN {number} < {_SAME_USERS} THEN 0"
            f" ELSE {copy} END)",
            # '' is that of bookmarks of traces.
            "session_id": "CASE session_id WHEN '' THEN '' ELSE 'session-' || lpad("
            f"(substr(session_id, 9)::int + {copy})::text, 8, '0') END",
            "version": f"version - {copy * self.hours * 3_600_000_000}",
            **{
                name: f"{name} {earlier}"
                for name in ("start_time", "end_time", "updated_at", "time", "created_at")
            },
        }


def user_of_copy(user_id: str, copy: int) -> str:
    """Return the user of a copy of a trace, as `Block.columns_of_copy` does.

    Few users have most of the traces; neighbours, who have about as many, take turns.
    """
    number = int(user_id.removeprefix("user-"))
    return f"user-{number if number < _SAME_USERS else number ^ copy}"
