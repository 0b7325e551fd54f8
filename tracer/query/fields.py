"""The table of all fields of queries, by grain; the documentation is generated from it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tracer.records import KINDS, LEVELS, STATUSES


class Grain(StrEnum):
    """What a query selects."""

    TRACE = "trace"
    SPAN = "span"
    SESSION = "session"
    USER = "user"


class Type(StrEnum):
    """The type of a field's values: it determines operators and syntax."""

    TEXT = "text"
    """Compared whole and exactly, or by a glob."""
    PROSE = "prose"
    """Long text: a value matches if the text contains it, in upper or lower case."""
    CHOICE = "choice"
    """One of few texts."""
    NUMBER = "number"
    DURATION = "duration"
    MONEY = "money"
    TIME = "time"
    ANY = "any"
    """Text or number, as sent: ``>`` compares numbers, ``:`` compares texts."""


ORDERED: Final = frozenset({Type.NUMBER, Type.DURATION, Type.MONEY, Type.TIME, Type.ANY})
"""Types that ``>`` and ranges compare."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a row: its name in queries, its type, and what the documentation shows."""

    name: str
    type: Type = dataclasses.field(repr=False)
    description: str = dataclasses.field(repr=False)
    examples: tuple[str, ...] = dataclasses.field(repr=False)
    aliases: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    choices: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    """The values of a choice, in ascending order if `ordered`."""
    ordered: bool = dataclasses.field(default=False, repr=False)
    """For choices: ``>=`` compares their positions."""
    keyed: bool = dataclasses.field(default=False, repr=False)
    """Whether a key follows the name: ``metadata.plan``."""

    @property
    def comparable(self) -> bool:
        """Whether ``>`` and ranges fit the field."""
        return self.type in ORDERED or self.ordered


def _text(name: str, description: str, *examples: str, aliases: tuple[str, ...] = ()) -> Field:
    return Field(name, Type.TEXT, description, examples, aliases)


def _number(name: str, description: str, *examples: str, aliases: tuple[str, ...] = ()) -> Field:
    return Field(name, Type.NUMBER, description, examples, aliases)


_START = Field("start", Type.TIME, "when it started", ("start:>-24h", "start:today"), ("since",))
_END = Field("end", Type.TIME, "when it ended, or was last active", ("end:>-1h",))
_LATENCY = Field(
    "latency",
    Type.DURATION,
    "time from start to end",
    ("latency:>2s", "latency:100ms..5s"),
    ("duration",),
)
_COST = Field("cost", Type.MONEY, "cost in US dollars", ("cost:>=0.01", "cost:>$1"))
_TOKENS = _number("tokens", "tokens of all types", "tokens:>10k")
_INPUT_TOKENS = _number("input_tokens", "input tokens", "input_tokens:>1k")
_OUTPUT_TOKENS = _number("output_tokens", "output tokens", "output_tokens:0")
_METADATA = Field(
    "metadata",
    Type.ANY,
    "a key of the metadata; dots lead into objects",
    ("metadata.plan:pro", "metadata.retries:>2"),
    ("meta",),
    keyed=True,
)
_SCORE = Field(
    "score",
    Type.ANY,
    "a score by its name",
    ("score.helpful:<0.5", "score.tone:friendly"),
    ("scores",),
    keyed=True,
)
_STATUS = Field(
    "status",
    Type.CHOICE,
    "state of the whole; `has:error` also finds failed spans below a successful root",
    ("status:error", "-status:completed"),
    choices=STATUSES,
)
_USER = _text("user", "end user of the traced application", "user:u1", aliases=("user_id",))
_SESSION = _text("session", "id of the session", "session:chat-7", aliases=("session_id",))
_ENVIRONMENT = _text("env", "environment", "-env:dev", aliases=("environment",))
_RELEASE = _text("release", "release of the application", "release:2026-11*")
_VERSION = _text("version", "version that the trace was sent with", "version:v2")
_TAG = _text("tag", "a tag of the trace", "tag:a,b", "tag:(a OR b)", aliases=("tags",))
_INPUT = Field("input", Type.PROSE, "text of the input", ('input:"order 1042"',))
_OUTPUT = Field("output", Type.PROSE, "text of the output", ("output:refund",))
_ERROR = Field(
    "error",
    Type.PROSE,
    "the error message",
    ('error:"rate limit"',),
    ("message", "status_message"),
)
_USAGE = Field(
    "usage",
    Type.NUMBER,
    "tokens of one type",
    ("usage.cache_read:>1k",),
    keyed=True,
)
_MODEL = _text("model", "a model that answered", "model:gpt-4o*", aliases=("models",))
_KIND_EXAMPLES = ("kind:tool", "kind:generation")


def _has(*values: str) -> Field:
    description = "what is present; `-has:user` finds rows without a user"
    return Field("has", Type.CHOICE, description, (f"has:{values[0]}",), choices=values)


_TRACE_FIELDS: Final = (
    _text("id", "id of the trace", "id:4bf92f*", aliases=("trace", "trace_id")),
    _text("name", "name of the trace", "name:support*", 'name:"two words"'),
    _STATUS,
    _START,
    _END,
    _LATENCY,
    _number("spans", "number of spans", "spans:>1000", aliases=("span_count",)),
    _number("errors", "number of failed spans", "errors:>=3", aliases=("error_count",)),
    _number("warnings", "number of spans with a warning", "warnings:>0"),
    _TOKENS,
    _INPUT_TOKENS,
    _OUTPUT_TOKENS,
    _USAGE,
    _COST,
    _MODEL,
    Field(
        "kind",
        Type.CHOICE,
        "kind of a span of the trace",
        _KIND_EXAMPLES,
        ("kinds",),
        choices=KINDS,
    ),
    _USER,
    _SESSION,
    _ENVIRONMENT,
    _RELEASE,
    _VERSION,
    _TAG,
    _METADATA,
    _SCORE,
    _INPUT,
    _OUTPUT,
    _ERROR,
    Field("comment", Type.PROSE, "text of a comment", ("comment:escalate",)),
    _has(
        "error",
        "warning",
        "comment",
        "score",
        "bookmark",
        "user",
        "session",
        "release",
        "version",
        "tag",
        "input",
        "output",
        "metadata",
        "model",
        "tokens",
        "cost",
        "unpriced",
        "flag",
    ),
)
_SPAN_FIELDS: Final = (
    _text("id", "id of the span", "id:00f067aa0ba902b7", aliases=("span", "span_id")),
    _text("name", "name of the span", "name:search"),
    Field("kind", Type.CHOICE, "kind of the span", _KIND_EXAMPLES, choices=KINDS),
    _STATUS,
    Field(
        "level",
        Type.CHOICE,
        "severity, in ascending order",
        ("level:error", "level:>=warning"),
        choices=LEVELS,
        ordered=True,
    ),
    _START,
    _END,
    _LATENCY,
    Field(
        "first_token",
        Type.DURATION,
        "time from start to the first token",
        ("first_token:>1s",),
        ("ttft", "time_to_first_token"),
    ),
    _number("speed", "output tokens per second", "speed:<20", aliases=("tokens_per_second",)),
    _TOKENS,
    _INPUT_TOKENS,
    _OUTPUT_TOKENS,
    _USAGE,
    _COST,
    _MODEL,
    _text("provider", "provider of the model", "provider:openai"),
    _text("prompt", "name of the prompt", "prompt:greeting"),
    _number("prompt_version", "version of the prompt", "prompt_version:3"),
    _text("finish", "a reason why generation ended", "finish:length", aliases=("finish_reason",)),
    _METADATA,
    Field(
        "attribute",
        Type.ANY,
        "an attribute as it was sent",
        ("attribute.http.status_code:500",),
        ("attributes", "attr"),
        keyed=True,
    ),
    _SCORE,
    _INPUT,
    _OUTPUT,
    _ERROR,
    _text(
        "error_type",
        "the error message up to its first colon, without module and numbers",
        "error_type:RateLimitError",
    ),
    _text("flag", "a data problem", "flag:usage*", aliases=("flags",)),
    _text("trace", "id of its trace", "trace:4bf92f*", aliases=("trace_id",)),
    _text("trace_name", "name of its trace", "trace_name:support*"),
    _USER,
    _SESSION,
    _ENVIRONMENT,
    _RELEASE,
    _TAG,
    _has(
        "error",
        "warning",
        "parent",
        "model",
        "tokens",
        "cost",
        "flag",
        "score",
        "comment",
        "input",
        "output",
        "prompt",
    ),
)
_OF_TRACES: Final = (
    _text("env", "environment of any of its traces", "env:prod", aliases=("environment",)),
    _text("release", "release of any of its traces", "release:2026-11*"),
    _text("tag", "tag of any of its traces", "tag:beta", aliases=("tags",)),
    _text("name", "name of any of its traces", "name:support*"),
)
_SESSION_FIELDS: Final = (
    _text("id", "id of the session", "id:chat-*", aliases=("session", "session_id")),
    _START,
    _END,
    Field("latency", Type.DURATION, "time from first start to last end", ("latency:>1h",)),
    _number("traces", "number of traces", "traces:>10", aliases=("trace_count",)),
    _number("errors", "number of failed traces", "errors:>0", aliases=("error_count",)),
    _number("running", "number of running traces", "running:>0"),
    _number("spans", "number of spans", "spans:>1000", aliases=("span_count",)),
    _TOKENS,
    _COST,
    _text("user", "user of any of its traces", "user:u1", aliases=("user_id",)),
    *_OF_TRACES,
    _SCORE,
    Field("comment", Type.PROSE, "text of a comment", ("comment:escalate",)),
    _has("error", "comment", "score", "bookmark", "user", "tag", "tokens", "cost"),
)
_USER_FIELDS: Final = (
    _text("id", "id of the user", "id:acme-*", aliases=("user", "user_id")),
    Field("start", Type.TIME, "start of the first trace", ("start:>-7d",), ("first",)),
    Field("end", Type.TIME, "start of the latest trace", ("end:>-24h",), ("last",)),
    _number("traces", "number of traces", "traces:>100", aliases=("trace_count",)),
    _number("sessions", "number of sessions", "sessions:>1"),
    _number("errors", "number of failed traces", "errors:>0", aliases=("error_count",)),
    _TOKENS,
    _COST,
    *_OF_TRACES,
    _has("error", "session", "tokens", "cost"),
)

FIELDS: Final = MappingProxyType(
    {
        Grain.TRACE: _TRACE_FIELDS,
        Grain.SPAN: _SPAN_FIELDS,
        Grain.SESSION: _SESSION_FIELDS,
        Grain.USER: _USER_FIELDS,
    }
)
"""The fields of each grain, in the order of the documentation."""

_BY_NAME: Final = {
    grain: {name: field for field in fields for name in (field.name, *field.aliases)}
    for grain, fields in FIELDS.items()
}

RELATED: Final = MappingProxyType(
    {
        Grain.TRACE: (Grain.SESSION,),
        Grain.SPAN: (Grain.TRACE, Grain.SESSION),
        Grain.SESSION: (Grain.TRACE,),
        Grain.USER: (Grain.TRACE,),
    }
)
"""By grain: the groups like ``session(…)``, conditions on the session or traces of a row."""


def field_of(grain: Grain, name: str) -> Field | None:
    """Return the field of this name or alias; None: the grain has none."""
    return _BY_NAME[grain].get(name.lower())


def names_of(grain: Grain) -> list[str]:
    """Return the names and aliases of the grain's fields."""
    return list(_BY_NAME[grain])
