"""The one normalised record that every wire format becomes, and that the writer stores.

Times are integers: microseconds since the Unix epoch, UTC. Usage counts tokens in disjoint
buckets (``input`` holds neither cached nor written-to-cache tokens, ``output`` no reasoning).
Money is US dollars as ``Decimal``. A JSON value is what ``msgspec.json.decode`` gives.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

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
LEVELS: Final = ("debug", "default", "warning", "error")
STATUSES: Final = ("running", "completed", "error")

# How firmly a trace field was said; the firmest wins, then the latest.
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
    """One span as its source described it, complete: a later record of it replaces this one.

    ``version`` orders the records of one span: a finished record beats a running one, then the
    higher version wins. OTLP takes it from the span's own times, so that the same batch twice
    changes nothing; the JSON API takes the time of receipt, so that the last word wins.
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
    """The model that served the call; the one asked for where only that is known."""
    requested_model: str | None = None
    provider: str | None = None
    model_parameters: dict[str, Json] = {}
    usage: dict[str, int] = {}
    cost: dict[str, Decimal] = {}
    """Dollars by usage type; ``total`` alone where only that was sent."""
    cost_source: str | None = None
    """``given`` by the application, ``computed`` from list prices, ``custom``: from a price of the
    project; None: unpriced or nothing to price."""
    priced_by: str | None = None
    """The list and its version, or the id of the project's price; None: not priced by us."""
    call_id: str | None = None
    """The provider's id of its answer: one call may be reported by several spans."""
    echo: bool = False
    """A client's own report of a call, which does not count where an instrumentation's is there."""
    prompt_name: str | None = None
    prompt_version: int | None = None
    tools: list[Json] = []
    """Definitions of the tools that the model was offered, as sent."""
    finish_reasons: list[str] = []
    """Why each choice of the answer ended: stop, length, tool_calls …"""
    input: Json = None
    output: Json = None
    metadata: dict[str, Json] = {}
    attributes: dict[str, Json] = {}
    """What no dialect claimed, untouched."""
    events: list[Json] = []
    """``{"name", "time" (ISO 8601), "attributes"}`` each."""
    links: list[Json] = []
    """``{"trace_id", "span_id", "attributes"}`` each."""
    resource: dict[str, Json] = {}
    scope: dict[str, Json] = {}
    """``{"name", "version", "attributes"}``."""
    dialect: str | None = None
    """The attribute dialect that was understood first, None: none was."""
    claimed: tuple[str, ...] = ()
    """Names of the attributes that fields tell now and that ``attributes`` may lack."""
    flags: list[str] = []
    """What a reader must know: truncated, cleaned, unreconciled, self_parent, cycle,
    end_before_start, dropped."""
    notes: dict[str, Json] = {}
    """Details of the flags, by field: e.g. ``{"input": {"truncated": true, "size": 1048576}}``."""


class SpanPatch(msgspec.Struct, kw_only=True):
    """Some fields of a span, said after (or, out of order, before) the span itself.

    ``fields`` holds ``SpanRecord`` field names; a present None clears, an absent name leaves as is.
    Each field's latest ``version`` (microseconds of receipt) wins; ``metadata`` is merged by key.
    """

    trace_id: str
    span_id: str
    version: int
    fields: dict[str, Json]
    deep: bool = False
    """Objects within ``metadata`` are merged as well, rather than replaced."""


class TraceRecord(msgspec.Struct, kw_only=True):
    """What was said of a trace as a whole, by an API call or by one of its spans.

    ``fields`` has names out of ``TRACE_FIELDS``; per field the highest (rank, version) wins.
    Tags unite, unless ``replace_tags``; metadata is merged by key under the same order. What people
    add to the tags (True) or take away (False) stays over what the application says.
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


class ScoreRecord(msgspec.Struct, kw_only=True):
    """A judgement of a trace, a span, a session or a run: exactly one of number or text value."""

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
    """The name of the person who judged, where one did."""
    author_id: str | None = None
    config_id: str | None = None
    """What it was checked against."""
    environment: str | None = None
    queue_id: str | None = None
    """The list of work that it was given in."""
    run_id: str | None = None
    """The run of a dataset, or the experiment, that is judged as a whole."""


class Batch(msgspec.Struct, kw_only=True):
    """What one request brings; stored whole or, item by item, refused with a reason."""

    spans: list[SpanRecord] = []
    patches: list[SpanPatch] = []
    traces: list[TraceRecord] = []
    scores: list[ScoreRecord] = []

    def __len__(self) -> int:
        return len(self.spans) + len(self.patches) + len(self.traces) + len(self.scores)


INPUT_BUCKETS: Final = ("input", "cache")
OUTPUT_BUCKETS: Final = ("output", "reasoning")


def token_sums(usage: dict[str, int]) -> tuple[int | None, int | None, int | None]:
    """Return (input, output, total) tokens of disjoint buckets; None: nobody counted those.

    A bucket belongs to the side its name begins with: cache_read and input_audio are input,
    reasoning and output_audio are output; any other counts in the total alone.
    """
    if not usage:
        return None, None, None
    asked = answered = None
    total = 0
    for bucket, number in usage.items():
        total += number
        side = _side(bucket)
        if side == "input":
            asked = number if asked is None else asked + number
        elif side == "output":
            answered = number if answered is None else answered + number
    return asked, answered, total


@lru_cache(maxsize=1_000)
def _side(bucket: str) -> str | None:
    if bucket.startswith(INPUT_BUCKETS):
        return "input"
    return "output" if bucket.startswith(OUTPUT_BUCKETS) else None


def cost_total(cost: dict[str, Decimal]) -> Decimal | None:
    """Return the dollars of a cost by type, None where there is no cost."""
    if not cost:
        return None
    return cost["total"] if "total" in cost else sum(cost.values(), Decimal(0))


def decimals(cost: dict[str, Json] | None) -> dict[str, Decimal]:
    """Return a cost by type as JSON holds it, which has no decimals, as decimals."""
    return {bucket: Decimal(str(dollars)) for bucket, dollars in (cost or {}).items()}


class Refusal(msgspec.Struct, kw_only=True):
    """Why one item of a request was not taken: its place, the field, and what was expected."""

    item: str
    """Path of the item, as ``resourceSpans[0].scopeSpans[0].spans[3]`` or ``spans[3]``."""
    field: str
    reason: str

    def __str__(self) -> str:
        # A request that is one item has no path to it.
        return ": ".join(part for part in (self.item, self.field, self.reason) if part)


class WireError(Exception):
    """A request that can't be read as a whole; ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400, refusals: list[Refusal] | None = None):
        super().__init__(message)
        self.status = status
        self.refusals = refusals or []
