"""What is exported: a trace, its spans and its scores as they are stored, JSON as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from tracer.records import Json

Text = msgspec.Raw | None
"""JSON text as it is stored: most formats hand it on, so none pays for parsing it."""

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
"""Fields of a span that are JSON."""


class ExportedTrace(msgspec.Struct, kw_only=True):
    """A trace as its row has it; input and output are what was said of the trace itself."""

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
    """How firmly and when each field was said."""


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
    """A judgement of the trace or of one of its spans."""

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
    """What a person wrote about the trace or one of its spans."""

    comment_id: str
    span_id: str | None
    text: str
    author: str | None
    created_at: datetime
    edited_at: datetime | None


class Row(msgspec.Struct, kw_only=True):
    """A span at its place in the tree."""

    depth: int
    span: ExportedSpan
    left_out: int = 0
    """How many spans directly below it are not in the file."""


class Source(Protocol):
    """One trace at one moment, read as it is written; reading twice gives the same."""

    trace: ExportedTrace

    def comments(self) -> Iterator[ExportedComment]:
        """Yield the comments on the trace and its spans, oldest first."""
        ...

    def scores(self) -> Iterator[ExportedScore]:
        """Yield the scores of the trace and its spans, oldest first."""
        ...

    def in_time(self) -> Iterator[ExportedSpan]:
        """Yield every span that has arrived, in order of start and id."""
        ...

    def in_tree(self) -> Iterator[Row]:
        """Yield the rows of the whole tree, each parent before its children."""
        ...

    def upper(self, most: int) -> Iterator[Row]:
        """Yield the rows of the tree's upper levels, at most ``most`` of them."""
        ...


def decoded(text: Text) -> Any:
    """Return the value of stored JSON, None where there is none."""
    return None if text is None else msgspec.json.decode(text)
