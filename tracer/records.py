"""The normalised records: every wire format is decoded to them, and the writer stores them.

Times are integers: microseconds since the Unix epoch, UTC. Usage counts tokens in disjoint
types (``input`` holds neither cached nor written-to-cache tokens, ``output`` no reasoning).
Money is US dollars as ``Decimal``. A JSON value is a result of ``exact_json.decode``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import msgspec

from tracer import exact_json

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of these."""

KINDS: Final = (
    "span",
    "generation",
    "event",
    "agent",
    "chain",
    "tool",
    "function",
    "retriever",
    "embedding",
    "reranker",
    "evaluator",
    "guardrail",
    "database",
    "http",
)
SUMMING: Final = ("agent", "chain")
"""Kinds whose `echo` means that their usage is the sum of that of the spans below them."""
LEVELS: Final = ("debug", "default", "warning", "error")
STATUSES: Final = ("running", "completed", "error")

OWN_VERSION: Final = "langfuse.version"
OWN_ENVIRONMENT: Final = "langfuse.environment"
"""Attributes for a span's own version and environment, which else are its trace's."""
APP_ROOT: Final = "langfuse.internal.is_app_root"
"""Attribute of a span that is the topmost of its application below spans of other systems."""

# Precedence of the value of a trace field; `tracer.merging.claims` has the rule.
RANK_IMPLIED: Final = 0
"""Implied by a span that stands in for the root: its own name, input and output."""
RANK_RESOURCE: Final = 1
RANK_SPAN: Final = 2
RANK_CREATE: Final = 3
RANK_UPDATE: Final = 4

TRACE_FIELDS: Final = (
    "name",
    "user_id",
    "session_id",
    "environment",
    "release",
    "version",
    "public",
    "input",
    "output",
    "start_time",
    "end_time",
)


class SpanRecord(msgspec.Struct, kw_only=True, gc=False):
    """One span with all of its fields, as its source sent it: a later record replaces this one.

    ``version`` orders the records of one span: a finished record beats a running one, then the
    higher version wins. OTLP derives it from the span's times, so that a repeated batch changes
    nothing; the JSON API uses the time of receipt, so that the latest request wins.
    """

    trace_id: str
    span_id: str
    start_time: int
    parent_span_id: str | None = None
    end_time: int | None = None
    """None: the span is running."""
    version: int = 0
    kind: str = "span"
    name: str = ""
    level: str = "default"
    status_message: str | None = None
    first_token_time: int | None = None
    model: str | None = None
    """The model that served the call, or else the requested one."""
    requested_model: str | None = None
    provider: str | None = None
    model_parameters: dict[str, Json] = {}
    usage: dict[str, int] = {}
    cost: dict[str, Decimal] = {}
    """US dollars by usage type; ``total`` alone where only that was sent."""
    cost_source: str | None = None
    """``given`` by the application, ``computed`` from list prices, ``custom`` from a price of the
    project; None: unpriced, or no usage to price."""
    priced_by: str | None = None
    """The list and its version, or the id of the project's price; None: not priced by Tracer."""
    call_id: str | None = None
    """The provider's id of its response: several spans may report one call."""
    echo: bool = False
    """Whether the usage is a secondary report, which is excluded from totals where other spans
    report the usage too: an agent's or a chain's sum of the spans below it, or a client's own
    report of a call that an instrumentation may also report."""
    prompt_name: str | None = None
    prompt_version: int | None = None
    tools: list[Json] = []
    """Definitions of the tools that the model was offered, as sent."""
    finish_reasons: list[str] = []
    """Why each choice of the response ended: stop, length, tool_calls …"""
    input: Json = None
    output: Json = None
    metadata: dict[str, Json] = {}
    attributes: dict[str, Json] = {}
    """Attributes that no dialect mapped, unchanged."""
    events: list[Json] = []
    """Objects of ``name``, ``time`` (ISO 8601) and ``attributes``."""
    links: list[Json] = []
    """Objects of ``trace_id``, ``span_id`` and ``attributes``."""
    resource: dict[str, Json] = {}
    scope: dict[str, Json] = {}
    """An object of ``name``, ``version`` and ``attributes``."""
    dialect: str | None = None
    """The first attribute dialect that mapped anything; None: none did."""
    claimed: tuple[str, ...] = ()
    """Names of attributes that were mapped to fields, and may be missing in ``attributes``."""
    flags: list[str] = []
    """Data problems: truncated, cleaned, unreconciled, self_parent, cycle, end_before_start,
    dropped."""
    notes: dict[str, Json] = {}
    """Details of the flags, by field: e.g. ``{"input": {"truncated": true, "size": 1048576}}``."""


class SpanPatch(msgspec.Struct, kw_only=True):
    """Changed fields of a span; may be received before the span itself.

    ``fields`` holds ``SpanRecord`` field names; None clears a field, absent names stay unchanged.
    Each field's latest ``version`` (microseconds of receipt) wins; ``metadata`` is merged by key,
    and so are ``logs``: events that were sent beside the span (``merging/log_events.py``).
    """

    trace_id: str
    span_id: str
    version: int
    fields: dict[str, Json]
    deep: bool = False
    """Objects within ``metadata`` are merged as well, rather than replaced."""


class TraceRecord(msgspec.Struct, kw_only=True):
    """Fields of a trace as a whole, sent by an API call or in one of its spans.

    ``fields`` has names out of ``TRACE_FIELDS``; `tracer.merging.claims` decides which record wins.
    Tags are united, unless ``replace_tags``; metadata is merged by key, the highest (rank, version)
    wins. Tags that people add (True) or remove (False) on pages override those that the application
    sends.
    """

    trace_id: str
    rank: int
    version: int
    fields: dict[str, Json] = {}
    tags: list[str] = []
    replace_tags: bool = False
    metadata: dict[str, Json] = {}
    tag_edits: dict[str, bool] = {}
    editor: str = ""
    deep: bool = False
    """Objects within ``metadata`` are merged as well, rather than replaced."""
    process: str = ""
    """`process_of` the resource of the sending spans; empty: sent by an API call."""
    by_root: bool = False
    """True: sent in a span without a parent."""
    first: int | None = None
    """Start of the earliest sending span of the process (µs); None: the version."""


_PROCESS_NAMES: Final = (
    ("service.instance.id",),
    ("host.id", "process.pid"),
    ("host.name", "process.pid"),
    ("container.id", "process.pid"),
)
"""Resource attributes that identify a process, the most specific first."""


def process_of(resource: dict[str, Json]) -> str:
    """Return a short identifier of the process of a resource; empty: the resource is empty.

    Without identifying attributes, processes with equal resources are treated as one.
    """
    if not resource:
        return ""
    named: Json = resource
    for names in _PROCESS_NAMES:
        if all(name in resource for name in names):
            named = [resource.get("service.name"), *(resource[name] for name in names)]
            break
    encoded = exact_json.encode_deterministic(named)
    return blake2b(encoded, digest_size=6).hexdigest()


class ScoreRecord(msgspec.Struct, kw_only=True):
    """A score of a trace, a span, a session or a run, with exactly one of number or text value."""

    score_id: str
    name: str
    data_type: str
    """numeric, categorical, boolean, text or correction."""
    value: float | None = None
    string_value: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    source: str = "api"
    metadata: dict[str, Json] = {}
    time: int = 0
    author: str | None = None
    """The name of the person who entered the score; None: sent by an application."""
    author_id: str | None = None
    config_id: str | None = None
    """The score config against which the score was validated."""
    environment: str | None = None
    queue_id: str | None = None
    """The annotation queue in which the score was entered."""
    run_id: str | None = None
    """The dataset run or experiment that is scored as a whole."""


class Batch(msgspec.Struct, kw_only=True):
    """The records of one request; items are stored, or rejected with a reason each."""

    spans: list[SpanRecord] = []
    patches: list[SpanPatch] = []
    traces: list[TraceRecord] = []
    scores: list[ScoreRecord] = []

    def __len__(self) -> int:
        return len(self.spans) + len(self.patches) + len(self.traces) + len(self.scores)


CLOCK_TOLERANCE: Final = 1_000
"""Tolerance (µs): many clients round only one of two times to milliseconds."""


def is_within(time: int, start: int, end: int | None) -> bool:
    """Return whether a time is within a span's (µs); ``end`` None: the span is running."""
    latest = time if end is None else max(end, start) + CLOCK_TOLERANCE
    return start - CLOCK_TOLERANCE <= time <= latest


INPUT_PREFIXES: Final = ("input", "cache")
OUTPUT_PREFIXES: Final = ("output", "reasoning")


def token_sums(usage: Mapping[str, int]) -> tuple[int | None, int | None, int | None]:
    """Return (input, output, total) tokens of disjoint usage types; None: not reported.

    A type belongs to the side with which its name begins: cache_read and input_audio are input,
    reasoning and output_audio are output; others count in the total alone.
    """
    if not usage:
        return None, None, None
    input_tokens = output_tokens = None
    total = 0
    for usage_type, number in usage.items():
        total += number
        side = _side(usage_type)
        if side == "input":
            input_tokens = number if input_tokens is None else input_tokens + number
        elif side == "output":
            output_tokens = number if output_tokens is None else output_tokens + number
    return input_tokens, output_tokens, total


@lru_cache(maxsize=1_000)
def _side(usage_type: str) -> str | None:
    if usage_type.startswith(INPUT_PREFIXES):
        return "input"
    return "output" if usage_type.startswith(OUTPUT_PREFIXES) else None


def cost_total(cost: dict[str, Decimal]) -> Decimal | None:
    """Return the total of a cost by type (US dollars); None: there is no cost."""
    if not cost:
        return None
    if "total" in cost:
        return cost["total"]
    # A loop takes half the time of `sum`, which begins with a new zero.
    total, *others = cost.values()
    for dollars in others:
        total += dollars
    return total


def decimals(cost: dict[str, Json] | None) -> dict[str, Decimal]:
    """Return a cost by type, whose amounts JSON holds as texts or numbers, as decimals."""
    return {usage_type: Decimal(str(dollars)) for usage_type, dollars in (cost or {}).items()}
