"""Sampling: at a trace's start by its id and root name, and once more when it is complete."""

from __future__ import annotations

import json
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fnmatch import translate
from functools import partial
from typing import Any, Final
from weakref import ref

from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags

from tracer.sdk import _fields as fields
from tracer.sdk._config import Config, Tail
from tracer.sdk._context import unrecorded

_MAX_SPANS: Final = 10_000
_MAX_TRACES: Final = 10_000


class HeadSampler:
    """Decides at the root; spans below, in every service, follow the flag of their parent.

    With tail rules the spans of an unsampled trace are recorded without the flag, so that they can
    be kept later. If a rule matches early, the trace's running and later spans get the flag.
    """

    def __init__(self, config: Config) -> None:
        sample = config.sample
        shares = sample if isinstance(sample, Mapping) else {}
        self._shares = [(re.compile(translate(rule)).match, shares[rule]) for rule in shares]
        self._default = 1.0 if isinstance(sample, Mapping) else sample
        self.tail = TailBuffer(config.tail) if config.tail is not None else None

    def decide(self, parent: SpanContext, trace_id: int, name: str) -> Decision:
        """Return the decision for a span of this trace and name below ``parent``."""
        if parent.is_valid:
            late = self.tail is not None and self.tail.keeps(trace_id)
            kept = late or bool(parent.trace_flags & 1)
        else:
            # The lower half of an id is random in every tracer; the upper half may hold a time.
            kept = self._share(name) * 2**64 > trace_id & (2**64 - 1)
        if kept:
            return Decision.RECORD_AND_SAMPLE
        return Decision.DROP if self.tail is None else Decision.RECORD_ONLY

    def _share(self, name: str) -> float:
        return next((share for match, share in self._shares if match(name)), self._default)


class _Trace:
    """The spans of an unsampled trace that no rule has matched so far."""

    def __init__(self) -> None:
        # Weak references: a span that the application forgot to end can be freed.
        self.running: dict[int, ref[Span]] = {}
        self.ended: deque[ReadableSpan] = deque()


class TailBuffer:
    """Holds the spans of unsampled traces until a rule matches or the trace is complete.

    A trace is complete when none of its spans is running in this process. A span that starts or
    ends after that is treated as a trace of its own.

    There is no lock: a signal handler, a garbage collection or a rule of the application can start
    and end spans while a method runs, and would deadlock on a lock that its own thread holds.
    Instead, every change is a single call of a dict or deque, which threads can't see half done.
    """

    def __init__(self, rules: Tail) -> None:
        self._rules = rules
        self._traces: OrderedDict[int, _Trace] = OrderedDict()
        self._kept: OrderedDict[int, None] = OrderedDict()
        """Ids of the traces that a rule has matched."""
        self._spans = 0
        """Number of spans in `_traces`; see `Queue._queued_bytes` on counting without a lock."""

    def keeps(self, trace_id: int) -> bool:
        """Return whether a rule has matched the trace so far."""
        return trace_id in self._kept

    def started(self, span: Span) -> None:
        """Register a running span."""
        trace_id, span_id = span.context.trace_id, span.context.span_id
        trace = self._traces.get(trace_id)
        if trace is None:
            trace = self._traces.setdefault(trace_id, _Trace())
            self._evict()
        forget = partial(_forget, trace.running, span_id)
        trace.running[span_id] = ref(span, forget)

    def ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Take a span; return the spans of its trace that are to be sent now."""
        trace_id = span.context.trace_id
        waiting = self._traces.get(trace_id)
        trace = waiting or _Trace()
        trace.ended.append(span)
        self._spans += 1
        trace.running.pop(span.context.span_id, None)
        # Another thread that keeps the trace adds it to `_kept` before it takes the spans. So it
        # finds this span, or this thread finds the trace in `_kept`.
        if trace_id in self._kept or self._matches(trace, span):
            return self._keep(trace_id, trace)
        if trace.running:
            self._evict()
            return []
        # Of several threads that end the last spans at once, the one that removes it decides.
        if waiting is not None and self._traces.pop(trace_id, None) is not waiting:
            return []
        spans = self._take(trace)
        if self._rules.keep is None or not _rule_keeps(self._rules.keep, spans):
            return []
        return spans + self._keep(trace_id, trace)

    def _keep(self, trace_id: int, trace: _Trace) -> list[ReadableSpan]:
        self._kept[trace_id] = None
        self._traces.pop(trace_id, None)
        for reference in list(trace.running.values()):
            running = reference()
            if running is not None:
                # OpenTelemetry offers no way to change the flags of a running span, which calls
                # to other services carry from now on.
                running._context = _sampled(running.context)
        with suppress(KeyError):
            while len(self._kept) > _MAX_TRACES:
                self._kept.popitem(last=False)
        return self._take(trace)

    def _take(self, trace: _Trace) -> list[ReadableSpan]:
        """Return the ended spans; each one goes to one thread only."""
        spans = []
        with suppress(IndexError):
            while True:
                spans.append(trace.ended.popleft())
        count = len(spans)
        self._spans -= count
        return spans

    def _evict(self) -> None:
        """Drop the traces that have waited longest, while there are too many."""
        with suppress(KeyError):
            while self._spans > _MAX_SPANS or len(self._traces) > _MAX_TRACES:
                self._take(self._traces.popitem(last=False)[1])

    def _matches(self, trace: _Trace, span: ReadableSpan) -> bool:
        """Return whether ``span``, just ended, makes a rule match."""
        rules = self._rules
        if rules.errors and span.status.status_code is StatusCode.ERROR:
            return True
        seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
        if rules.slower_than is not None and seconds > rules.slower_than:
            return True
        limit = rules.costs_more_than
        if limit is None or not _cost(span):
            return False
        return sum(map(_cost, list(trace.ended))) > limit


def _rule_keeps(rule: Callable[[Sequence[Any]], bool], spans: list[ReadableSpan]) -> bool:
    """Return the answer of the application's own rule for a complete trace."""
    # A rule that records spans would be called for these in turn, without end.
    with unrecorded():
        try:
            return bool(rule(spans))
        except Exception:
            # A rule that fails must not lose the trace.
            return True


def _forget(running: dict[int, ref[Span]], span_id: int, _: object) -> None:
    running.pop(span_id, None)


def _sampled(context: SpanContext) -> SpanContext:
    flags = TraceFlags(context.trace_flags | 1)
    return SpanContext(context.trace_id, context.span_id, False, flags, context.trace_state)


def _cost(span: ReadableSpan) -> float:
    """Return the cost that the application set, in dollars; 0 where it set none."""
    text: Any = (span.attributes or {}).get(fields.COST)
    try:
        costs = json.loads(text)
        return float(costs["total"] if "total" in costs else sum(costs.values()))
    except (TypeError, ValueError, AttributeError):
        return 0.0
