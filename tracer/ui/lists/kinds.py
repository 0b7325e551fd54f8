"""The lists: what the rows of each are, which columns it offers, and which it shows first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from flask import url_for

from tracer.errors import NotFound
from tracer.query.fields import Grain
from tracer.store.query.keyset import KEYED
from tracer.ui.lists.columns import Column, ColumnSet, column_set


@dataclass(frozen=True, slots=True)
class ListKind:
    """One of the lists: what its rows are, and what it is called."""

    grain: Grain
    endpoint: str
    noun: str
    columns: ColumnSet
    rows: str
    """The template of the rows."""
    example: str
    """Of a query, shown in the empty box."""
    base: str = ""
    """The query that every row fulfils."""

    template: str = "lists/frame.html"

    @property
    def failed(self) -> str:
        """What is counted as failed, after the number of such rows."""
        # Neither a session nor a user fails: one of its traces does.
        whole = self.grain in (Grain.SESSION, Grain.USER)
        return "with a failed trace" if whole else "failed"

    @property
    def title(self) -> str:
        """The heading of the page."""
        return f"{self.noun.capitalize()}s"

    def url(self, project_id: str, **values: Any) -> str:
        """Return the address of the list."""
        return url_for(f"ui.{self.endpoint}", project_id=project_id, **values)


_NAME: Final = Column("name", "Name", "name", "name")
_INPUT: Final = Column("input", "Input", "say")
_OUTPUT: Final = Column("output", "Output", "say")
_START: Final = Column("start", "Started", "when", "start")
_LATENCY: Final = Column("latency", "Duration", "time", "latency")
_TOKENS: Final = Column("tokens", "Tokens", "num tok", "tokens")
_COST: Final = Column("cost", "Cost", "num cost", "cost")
_ID: Final = Column("id", "Id", "id", "id")
_SPAN_COUNT: Final = Column("spans", "Spans", "num spans", "spans")
_TRACE_COUNT: Final = Column("traces", "Traces", "num spans", "traces")
_FAILED: Final = Column("errors", "Failed", "num errs", "errors")
_USER: Final = Column("user", "User", "user")
_SESSION: Final = Column("session", "Session", "ses")
_ENVIRONMENT: Final = Column("env", "Environment", "env")
_TAGS: Final = Column("tags", "Tags", "tags")
_MARKS: Final = Column("marks", "Annotations", "mk")
_SCORES: Final = Column("scores", "Scores", "scores")

_TRACES: Final = column_set(
    (
        *(_NAME, _INPUT, _OUTPUT, _START, _LATENCY, _SPAN_COUNT, _TOKENS, _COST),
        Column("errors", "Errors", "num errs", "errors"),
        *(replace(column, sort=column.name) for column in (_USER, _SESSION, _ENVIRONMENT)),
        Column("release", "Release", "env", "release"),
        Column("version", "Version", "env", "version"),
        Column("model", "Model", "model"),
        *(_MARKS, _SCORES, _TAGS),
        _ID,
    ),
    *("name", "input", "start", "latency", "spans", "tokens", "cost", "errors"),
    *("user", "session", "env", "marks", "scores", "tags"),
    leading="name",
    keyed=KEYED[Grain.TRACE],
)
_SPAN_COLUMNS: Final = (
    _NAME,
    Column("kind", "Kind", "env", "kind"),
    Column("model", "Model", "model", "model"),
    *(_OUTPUT, _INPUT, _START, _LATENCY),
    Column("first_token", "First token", "num ttft", "first_token"),
    Column("speed", "tok/s", "num tps", "speed"),
    Column("input_tokens", "In", "num tps", "input_tokens"),
    Column("output_tokens", "Out", "num tps", "output_tokens"),
    *(_TOKENS, _COST),
    Column("finish", "Finish", "fin"),
    Column("level", "Level", "env", "level"),
    Column("prompt", "Prompt", "model"),
    Column("trace", "Trace", "in-trace"),
    *(_USER, _SESSION, _ENVIRONMENT),
    _ID,
)
_OF_SPANS: Final = KEYED[Grain.SPAN]
_SPANS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "kind", "output", "start", "latency", "tokens", "cost", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
_TOOLS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "input", "output", "start", "latency", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
_GENERATIONS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "model", "output", "start", "latency", "first_token", "speed"),
    *("input_tokens", "output_tokens", "cost", "finish", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
_SESSIONS: Final = column_set(
    (
        Column("id", "Session", "name wide-name", "id"),
        Column("input", "Last input", "say"),
        Column("end", "Active", "when", "end"),
        Column("start", "Began", "when", "start"),
        *(_LATENCY, _TRACE_COUNT, _SPAN_COUNT, _TOKENS, _COST, _FAILED),
        *(_USER, _ENVIRONMENT, _MARKS, _SCORES, _TAGS),
    ),
    *("id", "input", "end", "latency", "traces", "tokens", "cost", "errors"),
    *("user", "env", "marks", "scores", "tags"),
    leading="id",
    keyed=KEYED[Grain.SESSION],
)
_USERS: Final = column_set(
    (
        Column("id", "User", "name", "id"),
        Column("last", "Last trace", "say"),
        Column("end", "Seen", "when", "end"),
        Column("start", "First seen", "when", "start"),
        Column("trend", "Traces over time", "trendcell"),
        Column("p95", "p95", "time"),
        Column("sessions", "Sessions", "num tok", "sessions"),
        *(_TRACE_COUNT, _FAILED, _TOKENS, _COST),
        Column("share", "Share of the largest cost", "share"),
    ),
    *("id", "last", "end", "trend", "p95", "sessions", "traces", "errors", "tokens", "cost"),
    "share",
    leading="id",
)

_SPAN_ROWS: Final = "lists/_span_rows.html"
TRACES: Final = ListKind(
    *(Grain.TRACE, "trace_list", "trace", _TRACES, "lists/_trace_rows.html"),
    "status:error latency:>2s any(kind:tool name:search) “words”",
    template="lists/traces.html",
)
SPANS: Final = ListKind(
    *(Grain.SPAN, "span_list", "span", _SPANS, _SPAN_ROWS),
    "kind:retriever latency:>1s trace(status:error)",
)
GENERATIONS: Final = ListKind(
    *(Grain.SPAN, "generation_list", "generation", _GENERATIONS, _SPAN_ROWS),
    "model:gpt-4o* first_token:>1s finish:length trace(status:error)",
    "kind:generation",
)
TOOLS: Final = ListKind(
    *(Grain.SPAN, "tool_list", "tool call", _TOOLS, _SPAN_ROWS),
    "name:search status:error latency:>1s",
    "kind:tool,function",
)
SESSIONS: Final = ListKind(
    *(Grain.SESSION, "session_list", "session", _SESSIONS, "lists/_session_rows.html"),
    "user:u1 errors:>0 cost:>1 any(kind:tool status:error)",
    template="lists/sessions.html",
)
USERS: Final = ListKind(
    *(Grain.USER, "user_list", "user", _USERS, "users/_rows.html"),
    "user-4* errors:>0 cost:>1 trace(env:production)",
    template="users/user_list.html",
)
KINDS: Final = {
    kind.endpoint: kind for kind in (TRACES, SPANS, GENERATIONS, TOOLS, SESSIONS, USERS)
}


def list_kind(name: str) -> ListKind:
    """Return a list by its endpoint, such as ``trace_list``; raises NotFound."""
    if name not in KINDS:
        raise NotFound.of("list", name)
    return KINDS[name]
