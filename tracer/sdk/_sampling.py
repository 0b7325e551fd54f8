"""Which traces are kept: a share by trace id and name at their head, and more once complete."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from fnmatch import translate
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags, get_current_span

from tracer.sdk import _names as names
from tracer.sdk._config import Config, Tail

_MAX_WAITING: Final = 10_000


class HeadSampler:
    """Decides at the root; every span below, in whatever service, follows the flag it was sent.

    With a tail rule the spans of what is left out are recorded without the flag, so that they can
    be kept later; when that is decided early, those that run and those that start get the flag.
    """

    def __init__(self, config: Config) -> None:
        sample = config.sample
        shares = sample if isinstance(sample, Mapping) else {}
        self._shares = [(re.compile(translate(rule)).match, shares[rule]) for rule in shares]
        self._rest = 1.0 if isinstance(sample, Mapping) else sample
        self.tail = TailBuffer(config.tail) if config.tail is not None else None

    def decide(
        self, context: Any, trace_id: int, name: str, kind: Any = None, said: Any = None, *_: Any
    ) -> SamplingResult:
        """Return the decision of a span; arguments are those of OpenTelemetry's Sampler.

        Its tracer takes a span's first attributes, ``said``, from the result.
        """
        parent = get_current_span(context).get_span_context()
        if parent.is_valid:
            late = self.tail is not None and self.tail.keeps(trace_id)
            kept = late or bool(parent.trace_flags & 1)
        else:
            # The lower half of an id is random in every tracer, the upper one may be a time.
            kept = self._share(name) * 2**64 > trace_id & (2**64 - 1)
        rest = Decision.DROP if self.tail is None else Decision.RECORD_ONLY
        decision = Decision.RECORD_AND_SAMPLE if kept else rest
        return SamplingResult(decision, said, parent.trace_state)

    def _share(self, name: str) -> float:
        return next((share for match, share in self._shares if match(name)), self._rest)


class _Trace:
    """The spans of one trace of which nobody knows yet whether it is kept."""

    def __init__(self) -> None:
        # By their ids: one that the application forgot to end is not held for its sake.
        self.open: WeakValueDictionary[int, Span] = WeakValueDictionary()
        self.spans: list[ReadableSpan] = []
        self.kept = False


class TailBuffer:
    """Holds back the spans of traces that the head left out, until a rule keeps them or none does.

    A trace is complete, as far as this process sees it, when none of its spans is open any more.
    """

    def __init__(self, rules: Tail) -> None:
        self._rules = rules
        self._traces: OrderedDict[int, _Trace] = OrderedDict()
        self._waiting = 0
        self._lock = Lock()

    def keeps(self, trace_id: int) -> bool:
        """Say whether the trace is kept after all, so far."""
        found = self._traces.get(trace_id)
        return found is not None and found.kept

    def started(self, span: Span) -> None:
        """Note that a span runs."""
        with self._lock:
            trace = self._traces.setdefault(span.context.trace_id, _Trace())
            trace.open[span.context.span_id] = span

    def ended(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Take a span; return those, of its trace, that are kept by now."""
        trace_id = span.context.trace_id
        with self._lock:
            trace = self._traces.get(trace_id)
            if trace is None:
                # It was given up.
                return []
            trace.open.pop(span.context.span_id, None)
            trace.spans.append(span)
            self._waiting += 1
            trace.kept = trace.kept or self._judge(trace)
            if trace.kept:
                for running in list(trace.open.values()):
                    # What they call from now on has to follow them.
                    running._context = _flagged(running.context)
                trace.open.clear()
                # For spans that start or end after the decision.
                self._traces.move_to_end(trace_id)
                released, trace.spans = trace.spans, []
                self._waiting -= len(released)
            elif not trace.open:
                self._forget(trace_id)
            while self._waiting > _MAX_WAITING or len(self._traces) > _MAX_WAITING:
                self._forget(next(iter(self._traces)))
            return released if trace.kept else []

    def _forget(self, trace_id: int) -> None:
        self._waiting -= len(self._traces.pop(trace_id).spans)

    def _judge(self, trace: _Trace) -> bool:
        rules, last = self._rules, trace.spans[-1]
        if rules.errors and last.status.status_code is StatusCode.ERROR:
            return True
        seconds = ((last.end_time or 0) - (last.start_time or 0)) / 1e9
        if rules.slower_than is not None and seconds > rules.slower_than:
            return True
        limit = rules.costs_more_than
        if limit is not None and _cost(last) and sum(map(_cost, trace.spans)) > limit:
            return True
        # What the application judges by is the trace as a whole.
        if rules.keep is None or trace.open:
            return False
        try:
            return bool(rules.keep(trace.spans))
        except Exception:
            # A rule that fails must neither lose the trace nor break the application.
            return True


def _flagged(context: SpanContext) -> SpanContext:
    flags = TraceFlags(context.trace_flags | 1)
    return SpanContext(context.trace_id, context.span_id, False, flags, context.trace_state)


def _cost(span: ReadableSpan) -> float:
    """Return the dollars that the application gave a span, 0 where it gave none."""
    said: Any = (span.attributes or {}).get(names.COST)
    try:
        costs = json.loads(said)
        return float(costs["total"] if "total" in costs else sum(costs.values()))
    except (TypeError, ValueError, AttributeError):
        return 0.0
