"""Which columns each list offers, and which it shows first."""

from __future__ import annotations

from typing import Final

from tracer.ui.lists.columns import Column, column_set

_INPUT: Final = Column("input", "Input", "say")
_OUTPUT: Final = Column("output", "Output", "say")
_START: Final = Column("start", "Started", "when", "start")
_LATENCY: Final = Column("latency", "Duration", "time", "latency")
_TOKENS: Final = Column("tokens", "Tokens", "num tok", "tokens")
_COST: Final = Column("cost", "Cost", "num cost", "cost")
_USER: Final = Column("user", "User", "user")
_SESSION: Final = Column("session", "Session", "ses")
_ENVIRONMENT: Final = Column("env", "Environment", "env")
_TAGS: Final = Column("tags", "Tags", "tags")
_MARKS: Final = Column("marks", "Annotations", "mk")
_SCORES: Final = Column("scores", "Scores", "scores")

TRACES: Final = column_set(
    (
        Column("name", "Name", "name", "name"),
        *(_INPUT, _OUTPUT, _START, _LATENCY),
        Column("spans", "Spans", "num spans", "spans"),
        *(_TOKENS, _COST),
        Column("errors", "Errors", "num errs", "errors"),
        Column("user", "User", "user", "user"),
        Column("session", "Session", "ses", "session"),
        Column("env", "Environment", "env", "env"),
        Column("release", "Release", "env", "release"),
        Column("version", "Version", "env", "version"),
        Column("model", "Model", "model"),
        *(_MARKS, _SCORES, _TAGS),
        Column("id", "Id", "id", "id"),
    ),
    *("name", "input", "start", "latency", "spans", "tokens", "cost", "errors"),
    *("user", "session", "env", "marks", "scores", "tags"),
    leading="name",
    keyed=("metadata", "score"),
)
_SPAN_COLUMNS: Final = (
    Column("name", "Name", "name", "name"),
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
    Column("id", "Id", "id", "id"),
)
_OF_SPANS: Final = ("metadata", "score")
SPANS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "kind", "output", "start", "latency", "tokens", "cost", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
TOOLS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "input", "output", "start", "latency", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
GENERATIONS: Final = column_set(
    _SPAN_COLUMNS,
    *("name", "model", "output", "start", "latency", "first_token", "speed"),
    *("input_tokens", "output_tokens", "cost", "finish", "trace"),
    leading="name",
    keyed=_OF_SPANS,
)
SESSIONS: Final = column_set(
    (
        Column("id", "Session", "name wide-name", "id"),
        Column("input", "Last input", "say"),
        Column("end", "Active", "when", "end"),
        Column("start", "Began", "when", "start"),
        _LATENCY,
        Column("traces", "Traces", "num spans", "traces"),
        Column("spans", "Spans", "num spans", "spans"),
        *(_TOKENS, _COST),
        Column("errors", "Failed", "num errs", "errors"),
        *(_USER, _ENVIRONMENT, _MARKS, _SCORES, _TAGS),
    ),
    *("id", "input", "end", "latency", "traces", "tokens", "cost", "errors"),
    *("user", "env", "marks", "scores", "tags"),
    leading="id",
    keyed=("score",),
)
USERS: Final = column_set(
    (
        Column("id", "User", "name", "id"),
        Column("last", "Last trace", "say"),
        Column("end", "Seen", "when", "end"),
        Column("start", "First seen", "when", "start"),
        Column("trend", "Traces over time", "trendcell"),
        Column("p95", "p95", "time", "p95"),
        Column("sessions", "Sessions", "num spans", "sessions"),
        Column("traces", "Traces", "num spans", "traces"),
        Column("errors", "Failed", "num errs", "errors"),
        *(_TOKENS, _COST),
        Column("share", "Share of the largest cost", "share"),
    ),
    *("id", "last", "end", "trend", "p95", "sessions", "traces", "errors", "tokens", "cost"),
    "share",
    leading="id",
)
