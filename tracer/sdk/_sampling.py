"""Which traces are kept: a share by trace id and name at their head, and more once complete."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceState,
    get_current_span,
)
from opentelemetry.util.types import Attributes

from tracer.sdk import _names as names
from tracer.sdk._config import Config, Tail

_MAX_DECIDED: Final = 10_000
_MAX_WAITING: Final = 10_000
_RESULTS: Final = {decision: SamplingResult(decision) for decision in Decision}


class Verdicts:
    """What was decided of recent traces, for spans that start or end after the decision."""

    def __init__(self) -> None:
        self._decided: OrderedDict[int, bool] = OrderedDict()

    def get(self, trace_id: int) -> bool | None:
        """Return whether the trace is kept; None: not decided, or long ago."""
        return self._decided.get(trace_id)

    def put(self, trace_id: int, kept: bool) -> None:
        """Remember the decision."""
        self._decided[trace_id] = kept
        while len(self._decided) > _MAX_DECIDED:
            self._decided.popitem(last=False)


class HeadSampler(Sampler):
    """Decides at the root; every span below, in whatever service, follows the flag it was sent.

    With a tail rule the spans of what is left out are recorded without the flag, so that they can
    be kept later; when that is decided early, spans that start afterwards carry the flag.
    """

    def __init__(self, config: Config) -> None:
        sample = config.sample
        self._rules = list(sample.items()) if isinstance(sample, Mapping) else [("*", sample)]
        self._all = all(share >= 1 for _, share in self._rules)
        self._rest = Decision.DROP if config.tail is None else Decision.RECORD_ONLY
        self.verdicts = Verdicts()

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        result = self.decide(parent if parent.is_valid else None, trace_id, name)
        # OpenTelemetry's tracer takes a span's first attributes from here.
        if attributes:
            return SamplingResult(result.decision, attributes, result.trace_state)
        return result

    def decide(self, parent: SpanContext | None, trace_id: int, name: str) -> SamplingResult:
        """Return the decision of a span below ``parent``, which is valid where it is one."""
        if parent is None:
            # The lower half of an id is random in every tracer, the upper one may be a time.
            kept = self._all or self._share(name) * 2**64 > trace_id & (2**64 - 1)
            return _RESULTS[Decision.RECORD_AND_SAMPLE if kept else self._rest]
        kept = bool(parent.trace_flags & 1 or self.verdicts.get(trace_id))
        decision = Decision.RECORD_AND_SAMPLE if kept else self._rest
        if not parent.trace_state:
            return _RESULTS[decision]
        return SamplingResult(decision, None, parent.trace_state)

    def _share(self, name: str) -> float:
        return next((share for rule, share in self._rules if fnmatchcase(name, rule)), 1.0)

    def get_description(self) -> str:
        return f"tracer.sdk{self._rules}"


class _Waiting:
    """The spans of one trace of which nobody knows yet whether it is kept."""

    __slots__ = ("open", "spans")

    def __init__(self) -> None:
        self.open = 0
        self.spans: list[ReadableSpan] = []


class TailBuffer:
    """Holds back the spans of traces that the head left out, until a rule keeps them or none does.

    A trace is complete, as far as this process sees it, when none of its spans is open any more.
    """

    def __init__(self, rules: Tail, verdicts: Verdicts) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._traces: OrderedDict[int, _Waiting] = OrderedDict()
        self._count = 0
        self._lock = Lock()
        self.overflown = 0
        """Spans that were given up because too many were waiting."""

    def started(self, trace_id: int) -> None:
        """Note that a span of the trace runs."""
        with self._lock:
            self._traces.setdefault(trace_id, _Waiting()).open += 1

    def ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Take a span; return those, of its trace, that are kept by now."""
        context = span.get_span_context()
        assert context is not None
        trace_id = context.trace_id
        with self._lock:
            waiting = self._traces.get(trace_id)
            if waiting is None:
                # It ended after its trace was given up, or was decided of.
                return [span] if self._verdicts.get(trace_id) else []
            waiting.open -= 1
            waiting.spans.append(span)
            self._count += 1
            kept = self._verdicts.get(trace_id) or self._keeps(waiting)
            if not kept and waiting.open > 0:
                self._give_up_oldest()
                return []
            self._verdicts.put(trace_id, kept)
            # Kept early it stays, with its open spans counted, so that they follow.
            spans, waiting.spans = waiting.spans, []
            self._count -= len(spans)
            if waiting.open <= 0:
                del self._traces[trace_id]
            return spans if kept else []

    def _give_up_oldest(self) -> None:
        while self._count > _MAX_WAITING:
            trace_id, waiting = self._traces.popitem(last=False)
            self._verdicts.put(trace_id, False)
            self._count -= len(waiting.spans)
            self.overflown += len(waiting.spans)

    def _keeps(self, waiting: _Waiting) -> bool:
        rules, last = self._rules, waiting.spans[-1]
        if rules.errors and last.status.status_code is StatusCode.ERROR:
            return True
        if rules.slower_than is not None and _seconds(last) > rules.slower_than:
            return True
        limit = rules.costs_more_than
        if limit is not None and cost(last) and sum(map(cost, waiting.spans)) > limit:
            return True
        # What the application judges by is the trace as a whole.
        return rules.keep is not None and waiting.open <= 0 and _asks(rules.keep, waiting.spans)


def _asks(keep: Any, spans: list[ReadableSpan]) -> bool:
    try:
        return bool(keep(spans))
    except Exception:
        # A rule that fails must neither lose the trace nor break the application.
        return True


def _seconds(span: ReadableSpan) -> float:
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9


def cost(span: ReadableSpan) -> float:
    """Return the dollars that the application gave a span, 0 where it gave none."""
    text = (span.attributes or {}).get(names.COST)
    if not isinstance(text, str):
        return 0.0
    try:
        said = json.loads(text)
        return float(said["total"] if "total" in said else sum(said.values()))
    except (ValueError, TypeError):
        return 0.0
