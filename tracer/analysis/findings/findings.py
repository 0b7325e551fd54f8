"""Findings of a trace: repeated calls, retries, truncated answers and invalid tool arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.analysis.findings.finding import MAX_SPANS, Finding
from tracer.analysis.findings.highlights import Highlighter, HighlightSpan
from tracer.analysis.findings.tool_schemas import schema_violations, schemas_of
from tracer.messages.conversation import read_messages
from tracer.messages.parts import decoded
from tracer.records import Json
from tracer.wording import plural

REPEATS: Final = 3
"""A tool call is reported when it occurs this often with the same arguments."""
MAX_FINDINGS: Final = 100
# Distinct tool calls kept in memory, about 100 MB; calls beyond them are not compared.
_MAX_CALLS: Final = 200_000
_MAX_DETAILS: Final = 3
_TRUNCATED: Final = frozenset(("length", "max_tokens", "max_output_tokens", "model_length"))
_TOOL_KINDS: Final = ("tool", "function")


class FindingSpan(NamedTuple):
    """The fields of one span from which findings are made; unneeded payloads are None."""

    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    level: str
    start: int
    end: int | None
    """µs since the epoch; None: the span is running."""
    input: Json
    """The arguments; None unless the span is a tool's."""
    output: Json
    """The response; None unless the span is a generation with tool definitions."""
    tools: list[Json] | None
    finish_reasons: list[str] | None
    message: str | None = None
    cost: Decimal | None = None
    """US dollars."""


class Findings(msgspec.Struct, kw_only=True):
    """The findings of one trace; `left_out` counts those beyond `MAX_FINDINGS`."""

    findings: list[Finding] = msgspec.field(name="found")
    left_out: int
    highlights: list[Finding] = []
    """What failed, took longest and cost most: any trace has some, so these are no findings."""


class Finder:
    """Collects findings from the spans of a trace, which are added in time order."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, bytes], _ToolCall] = {}
        self._chains: dict[_AttemptKey, _RetryChain] = {}
        self._retried: list[Finding] = []
        self._truncated: list[str] = []
        self._schema_violations: list[Finding] = []
        self._left_out = 0
        self._highlighter = Highlighter()

    def add(self, span: FindingSpan) -> None:
        """Process the next span."""
        self._highlighter.add(
            HighlightSpan(*(getattr(span, name) for name in HighlightSpan._fields))
        )
        if span.kind in _TOOL_KINDS and span.input is not None:
            self._add_call(span)
        self._add_attempt(span)
        if any(reason.lower() in _TRUNCATED for reason in span.finish_reasons or []):
            self._truncated.append(span.span_id)
        if span.tools and span.output is not None:
            self._check_arguments(span, span.tools)

    def result(self) -> Findings:
        """Return the findings so far, grouped by kind."""
        findings = [
            *self._schema_violations,
            *self._retried,
            *_merge_equal_titles(self._repeated()),
        ]
        if self._truncated:
            title = f"{plural(len(self._truncated), 'answer')} cut off at the token limit"
            detail = "The model stopped at its output limit."
            findings.append(_finding("cut", title, detail, self._truncated))
        beyond_limit = max(len(findings) - MAX_FINDINGS, 0)
        return Findings(
            findings=findings[:MAX_FINDINGS],
            left_out=beyond_limit + self._left_out,
            highlights=self._highlighter.result(),
        )

    def _add_call(self, span: FindingSpan) -> None:
        arguments = exact_json.encode_sorted(decoded(span.input))
        key = (span.name, blake2b(arguments, digest_size=16).digest())
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= _MAX_CALLS:
                return
            call = self._calls[key] = _ToolCall(arguments[:200].decode(errors="ignore"))
        call.count += 1
        if len(call.spans) < MAX_SPANS:
            call.spans.append(span.span_id)

    def _repeated(self) -> Iterator[Finding]:
        repeated = [(key, call) for key, call in self._calls.items() if call.count >= REPEATS]
        for (name, _), call in sorted(repeated, key=lambda item: -item[1].count):
            title = f"{name or 'A tool'} called {call.count} times with the same arguments"
            finding = _finding("repeated", title, call.arguments, call.spans)
            finding.count = call.count
            yield finding

    def _add_attempt(self, span: FindingSpan) -> None:
        """Extend or end the chain of failed attempts that this span continues."""
        key = (span.parent_span_id, span.kind, span.name)
        chain = self._chains.get(key)
        # A span that began before the failed one ended is no retry of it.
        follows = chain is not None and span.start >= chain.end
        spans = [*chain.spans, span.span_id] if chain and follows else [span.span_id]
        if span.level == "error" and (follows or chain is None or len(chain.spans) == 1):
            self._chains[key] = _RetryChain(spans, span.start if span.end is None else span.end)
        elif follows:
            del self._chains[key]
            self._end_chain(span.name, spans, "then it succeeded")

    def _end_chain(self, name: str, chain: list[str], outcome: str) -> None:
        failed = len(chain) - 1 if outcome else len(chain)
        title = f"{name or 'A span'} failed {_repetitions(failed)} and was tried again"
        self._add(self._retried, "retried", title, outcome or "it never succeeded", chain)

    def _add(
        self, findings: list[Finding], kind: str, title: str, detail: str, spans: list[str]
    ) -> None:
        """Add a finding, or add its spans to an equal one."""
        finding = _finding(kind, title, detail, spans)
        equal = (other for other in findings if (other.title, other.detail) == (title, detail))
        existing = next(equal, None)
        if existing is not None:
            _merge(existing, finding)
        elif len(findings) >= MAX_FINDINGS:
            self._left_out += 1
        else:
            findings.append(finding)

    def end(self) -> Findings:
        """End the open chains of attempts and return all findings; no `add` may follow."""
        for (_, _, name), chain in self._chains.items():
            if len(chain.spans) > 1:
                self._end_chain(name, chain.spans, "")
        self._chains.clear()
        return self.result()

    def _check_arguments(self, span: FindingSpan, tools: list[Json]) -> None:
        schemas = schemas_of(tools)
        for message in read_messages(span.output, output=True) or []:
            for part in message.parts:
                schema = schemas.get(part.name or "") if part.type == "tool_call" else None
                if schema is None:
                    continue
                violations = schema_violations(decoded(part.data) or {}, schema)
                if violations:
                    title = f"The arguments of {part.name} break its schema"
                    detail = "; ".join(violations)[:300]
                    self._add(self._schema_violations, "schema", title, detail, [span.span_id])


_AttemptKey = tuple[str | None, str, str]
"""(parent id, kind, name): a later span with the same key is a new attempt."""


class _RetryChain(NamedTuple):
    spans: list[str]
    end: int
    """When the last attempt failed (µs since the epoch)."""


class _ToolCall:
    __slots__ = ("arguments", "count", "spans")

    def __init__(self, arguments: str) -> None:
        self.arguments = arguments
        self.count = 0
        self.spans: list[str] = []


def find(spans: Iterable[FindingSpan]) -> Findings:
    """Return the findings of a trace's spans, which must come in time order."""
    finder = Finder()
    for span in spans:
        finder.add(span)
    return finder.end()


def counts(findings: Findings) -> dict[str, int]:
    """Return the number of findings of each kind."""
    return dict(Counter(finding.kind for finding in findings.findings))


def _merge_equal_titles(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with one for each title, which has the details of the first ones."""
    by_title: dict[str, Finding] = {}
    for finding in findings:
        existing = by_title.setdefault(finding.title, finding)
        if existing is not finding:
            if existing.times < _MAX_DETAILS:
                existing.detail += f"; {finding.detail}"
            _merge(existing, finding)
    return list(by_title.values())


def _merge(existing: Finding, finding: Finding) -> None:
    existing.spans = [*existing.spans, *finding.spans][:MAX_SPANS]
    existing.count += finding.count
    existing.times += 1


def _finding(kind: str, title: str, detail: str, spans: list[str]) -> Finding:
    return Finding(kind=kind, title=title, detail=detail, spans=spans[:MAX_SPANS], count=len(spans))


def _repetitions(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
