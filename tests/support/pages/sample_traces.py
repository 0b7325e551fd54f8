"""A builder of traces, and traces that have what the pages must show."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from tracer.records import RANK_SPAN, Batch, Json, ScoreRecord, SpanRecord, TraceRecord

SECOND = 1_000_000


def now() -> int:
    """Return microseconds since the epoch."""
    return time.time_ns() // 1000


class TraceBuilder:
    """Builds the records of one trace; times are seconds after its start."""

    def __init__(self, trace_id: str, start: int | None = None, **fields: Any) -> None:
        self.trace_id = trace_id
        self.start = start if start is not None else now() - 60 * SECOND
        self.batch = Batch()
        tags = fields.pop("tags", [])
        metadata = fields.pop("metadata", {})
        self.batch.traces.append(
            TraceRecord(
                trace_id=trace_id,
                rank=RANK_SPAN,
                version=self.start,
                fields=fields,
                tags=tags,
                metadata=metadata,
            )
        )

    def span(
        self,
        span_id: str,
        parent: str | None = None,
        start: float = 0.0,
        end: float | None = 1.0,
        **fields: Any,
    ) -> TraceBuilder:
        """Add a span; without ``end`` it is running."""
        fields.setdefault("name", span_id)
        first_token = fields.pop("first_token", None)
        self.batch.spans.append(
            SpanRecord(
                trace_id=self.trace_id,
                span_id=span_id,
                parent_span_id=parent,
                start_time=self._moment(start),
                end_time=None if end is None else self._moment(end),
                version=self._moment(start),
                first_token_time=None if first_token is None else self._moment(first_token),
                **fields,
            )
        )
        return self

    def model_calls(self, parent: str, count: int) -> TraceBuilder:
        """Add similar model calls, one a second from 20 s on; in each hundred the fourth fails."""
        fields = {"usage": {"input": 5}, "kind": "generation", "model": "house", "name": "ask"}
        for n in range(count):
            failed = {"level": "error"} if n % 100 == 3 else {}
            self.span(f"s{n:03}", parent, 20 + n, 20.5 + n, **fields, **failed)
        return self

    def generation(
        self, span_id: str, parent: str | None, start: float, end: float, **fields: Any
    ) -> TraceBuilder:
        """Add a model call with usage and cost."""
        values: dict[str, Any] = {
            "kind": "generation",
            "model": "gpt-4o",
            "usage": {"input": 1904, "output": 512},
            "cost": {"input": Decimal("0.0048"), "output": Decimal("0.0051")},
            "cost_source": "given",
            "first_token": start + (end - start) * 0.2,
        }
        return self.span(span_id, parent, start, end, **values | fields)

    def score(self, name: str, value: float, span_id: str | None = None) -> TraceBuilder:
        """Add a numeric score."""
        self.batch.scores.append(
            ScoreRecord(
                score_id=f"{self.trace_id}-{name}",
                name=name,
                data_type="numeric",
                value=value,
                trace_id=self.trace_id,
                span_id=span_id,
                time=self.start,
            )
        )
        return self

    def _moment(self, seconds: float) -> int:
        return self.start + round(seconds * SECOND)


def chat_message(role: str, text: str) -> Json:
    """Return a chat message."""
    return {"role": role, "content": text}


def agent_trace(trace_id: str = "a" * 32, **fields: Any) -> TraceBuilder:
    """Return an agent with tools, one of which failed."""
    defaults = {
        "name": "resolve_ticket",
        "user_id": "user-417",
        "session_id": "chat_91c2",
        "environment": "production",
        "tags": ["agent", "billing"],
        "input": [chat_message("user", "I was charged twice.")],
    }
    story = TraceBuilder(trace_id, **defaults | fields)
    story.span(
        "root", None, 0, 9, kind="agent", name="resolve_ticket", output="Both are **fixed**."
    )
    story.generation("plan", "root", 0.5, 2, input=[chat_message("user", "What now?")])
    story.span("gather", "root", 2, 4, kind="chain")
    story.span("search", "gather", 2, 3, kind="retriever")
    story.span("lookup", "gather", 3, 4, kind="tool")
    story.span(
        "refund", "root", 4, 6, kind="tool", level="error", status_message="504 Gateway Timeout"
    )
    return story


def wide_trace(trace_id: str = "b" * 32, children: int = 250) -> TraceBuilder:
    """Return one root with many children."""
    story = TraceBuilder(trace_id, name="wide").span("root", None, 0, 10, kind="chain")
    for n in range(children):
        story.span(f"child-{n:04}", "root", n * 0.01, n * 0.01 + 0.5, kind="tool")
    return story


DEEP = "d" * 32


def deep_trace() -> TraceBuilder:
    """Return a trace in which three levels lie behind closed nodes."""
    story = TraceBuilder(DEEP, name="nightly").span("root", None, 0, 20, kind="agent")
    for n in range(95):
        story.span(f"step-{n:02}", "root", n * 0.1, n * 0.1 + 0.1, kind="tool")
    for n in range(8):
        story.span(f"part-{n}", "step-07", 0.7 + n * 0.01, 0.71 + n * 0.01, kind="chain")
    for n in range(3):
        story.generation(f"call-{n}", "part-4", 0.74, 0.75, input="the question")
    return story
