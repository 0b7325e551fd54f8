"""The requests for bulk jobs: one change of many traces."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tracer.wire.native.annotations import Name
from tracer.wire.native.requests import Id, Label, Request

MOST_IDS = 10_000
MOST_DELAY = 3_600


class JobTags(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The tags that a job adds and removes."""

    add: Annotated[list[Annotated[Label, Meta(min_length=1)]], Meta(max_length=50)] = []
    remove: Annotated[list[Label], Meta(max_length=50)] = []


class JobScore(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The score that a job gives each trace: a number, a boolean or a text."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    value: float | bool | Annotated[str, Meta(max_length=500)]
    comment: Annotated[str, Meta(max_length=10_000)] | None = None


class JobCreate(Request, kw_only=True):
    """A change of several traces."""

    action: Literal["bookmark", "remove_bookmark", "tag", "score", "delete"]
    traces: (
        Annotated[list[Id], Meta(min_length=1, max_length=MOST_IDS, description="ids of traces")]
        | None
    ) = None
    query: Annotated[
        Annotated[str, Meta(max_length=10_000)] | None,
        Meta(description="in place of ids, a query whose traces are changed; empty: all traces"),
    ] = None
    tags: JobTags | None = None
    score: JobScore | None = None
    delay: Annotated[
        float, Meta(ge=0, le=MOST_DELAY, description="seconds in which the job can be undone")
    ] = 0
    dry_run: Annotated[bool, Meta(description="only count the traces")] = False
    author: Name = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.traces is None) == (self.query is None):
            raise ValueError("traces: expected either the ids of traces or a query")
        for action, field, value in (("tag", "tags", self.tags), ("score", "score", self.score)):
            if (self.action == action) != (value is not None):
                raise ValueError(f"{field}: expected with the action {action}, and with no other")


class ExportCreate(Request, kw_only=True):
    """A file of the traces that a query selects."""

    query: Annotated[str, Meta(max_length=10_000)] = ""
    sort: Annotated[str, Meta(max_length=200)] | None = None
    format: Literal["jsonl", "csv", "parquet", "otlp"] = "jsonl"
    spans: Annotated[bool, Meta(description="with their spans and payloads")] = False
    columns: (
        Annotated[
            list[Label],
            Meta(max_length=100, description="as the list names them: metadata.plan; none: all"),
        ]
        | None
    ) = None
    author: Name = ""
