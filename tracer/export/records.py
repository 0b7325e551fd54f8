"""The records of an export: a trace, its spans, scores and comments as stored, JSON as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from tracer import exact_json
from tracer.analysis.context.totals import ContextTotals
from tracer.records import Json

Text = msgspec.Raw | None
"""Stored JSON text; most formats copy it without parsing."""

PAYLOAD: Final = (
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "links",
    "resource",
    "scope",
    "usage",
    "cost",
    "model_parameters",
    "tools",
    "finish_reasons",
    "claimed",
    "notes",
    "patch",
)
"""Span fields that hold JSON."""


class ExportedTrace(msgspec.Struct, kw_only=True):
    """The row of a trace; input and output are the trace's own, not those of its root span."""

    project_id: str
    trace_id: str
    name: str
    status: str
    start_time: datetime
    end_time: datetime
    span_count: int
    error_count: int
    warning_count: int
    unpriced_count: int
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost: Decimal | None
    user_id: str | None
    session_id: str | None
    environment: str
    release: str | None
    version: str | None
    public: bool
    tags: list[str]
    models: dict[str, int]
    kinds: dict[str, int]
    usage: dict[str, int]
    cost: dict[str, Any]
    error_message: str | None
    root_span_id: str | None
    metadata: Text
    input: Text
    output: Text
    claims: dict[str, Json]
    """Per field, the precedence and time of the value that was kept."""


class ExportedSpan(msgspec.Struct, kw_only=True):
    """A span with its payload."""

    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    start_time: datetime
    end_time: datetime | None
    first_token_time: datetime | None
    status: str
    level: str
    status_message: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost: Decimal | None
    flags: list[str] | None
    placeholder: bool
    """True: stands for a parent that has not arrived."""
    call_id: str | None
    echo: bool
    version: int | None
    input: Text
    output: Text
    metadata: Text
    attributes: Text
    events: Text
    links: Text
    resource: Text
    scope: Text
    usage: Text
    cost: Text
    cost_source: str | None
    priced_by: str | None
    requested_model: str | None
    provider: str | None
    model_parameters: Text
    tools: Text
    finish_reasons: Text
    prompt_name: str | None
    prompt_version: int | None
    dialect: str | None
    claimed: Text
    notes: Text
    sent_parent_id: str | None
    patch: Text


class ExportedScore(msgspec.Struct, kw_only=True):
    """A score of the trace, of one of its spans, or of its session."""

    score_id: str
    span_id: str | None
    session_id: str | None
    name: str
    data_type: str
    value: float | None
    string_value: str | None
    comment: str | None
    source: str
    metadata: Text
    time: datetime
    author: str | None
    author_id: str | None
    config_id: str | None
    environment: str | None
    queue_id: str | None


class ExportedComment(msgspec.Struct, kw_only=True):
    """A comment on the trace or on one of its spans."""

    comment_id: str
    span_id: str | None
    text: str
    author: str | None
    created_at: datetime
    edited_at: datetime | None


class Row(msgspec.Struct, kw_only=True):
    """A span with its depth in the tree."""

    depth: int
    span: ExportedSpan
    left_out: int = 0
    """Number of children that the file leaves out."""


class Source(Protocol):
    """A trace as of one moment, streamed from the database; repeated reads give the same."""

    trace: ExportedTrace

    def comments(self) -> Iterator[ExportedComment]:
        """Yield the comments on the trace and its spans, oldest first."""
        ...

    def scores(self) -> Iterator[ExportedScore]:
        """Yield the scores of the trace and its spans, oldest first."""
        ...

    def context(self) -> ContextTotals:
        """Return sums over the repeated input of the trace's model calls."""
        ...

    def in_time(self) -> Iterator[ExportedSpan]:
        """Yield every span that has arrived, ordered by start time and id."""
        ...

    def in_tree(self) -> Iterator[Row]:
        """Yield the rows of the whole tree, each parent before its children."""
        ...

    def upper(self, limit: int) -> Iterator[Row]:
        """Yield at most ``limit`` rows, taken from the upper levels of the tree."""
        ...


def decoded(text: Text) -> Any:
    """Return the parsed value of stored JSON; None: there is none."""
    return None if text is None else exact_json.decode(text)
