"""What somebody who looks for faults in a trace would find: by what was sent, with its spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from tracer.analysis.tool_schemas import faults, schemas_of
from tracer.messages.conversation import read_messages
from tracer.messages.parts import decoded
from tracer.records import Json

REPEATS: Final = 3
"""How often a tool must be called with the same arguments to be told of."""
MOST_SPANS: Final = 20
"""Of one finding; the rest is counted."""
MOST_FINDINGS: Final = 100
# Distinct ones are remembered up to here, which takes some 100 MB.
_MOST_CALLS: Final = 200_000
_CUT: Final = frozenset(("length", "max_tokens", "max_output_tokens", "model_length"))
_TOOLS: Final = ("tool", "function")


class Step(NamedTuple):
    """What findings need of one span; the texts are None where they are of no use."""

    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    level: str
    start: int
    end: int | None
    """µs since the epoch; None: it runs."""
    input: Json
    """Of a tool: its arguments."""
    output: Json
    """Of a generation that was offered tools: its answer."""
    tools: list[Json] | None
    finish_reasons: list[str] | None


class Finding(msgspec.Struct, kw_only=True):
    """Something to look at, and where."""

    kind: str
    """repeated, retried, cut or schema."""
    title: str
    detail: str
    spans: list[str]
    """Ids, in the order of time; at most `MOST_SPANS`."""
    count: int
    """Spans in all."""


class Findings(msgspec.Struct, kw_only=True):
    """What was found."""

    found: list[Finding]
    left_out: int


class Finder:
    """Takes the spans of a trace in the order of time, one after the other."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, bytes], _Call] = {}
        self._chains: dict[_Same, _Chain] = {}
        self._retried: list[Finding] = []
        self._cut: list[str] = []
        self._broken: list[Finding] = []
        self._left_out = 0

    def add(self, step: Step) -> None:
        """Look at the next span."""
        if step.kind in _TOOLS and step.input is not None:
            self._add_call(step)
        self._add_try(step)
        if any(reason.lower() in _CUT for reason in step.finish_reasons or []):
            self._cut.append(step.span_id)
        if step.tools and step.output is not None:
            self._judge(step, step.tools)

    def result(self) -> Findings:
        """Return what was found, by kind."""
        found = [*self._broken, *self._retried, *self._repeated()]
        if self._cut:
            title = f"{_times(len(self._cut), 'answer')} cut off at the token limit"
            found.append(_finding("cut", title, "The model had more to say.", self._cut))
        more = max(len(found) - MOST_FINDINGS, 0)
        return Findings(found=found[:MOST_FINDINGS], left_out=more + self._left_out)

    def _add_call(self, step: Step) -> None:
        told = msgspec.json.encode(decoded(step.input), order="sorted")
        key = (step.name, blake2b(told, digest_size=16).digest())
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= _MOST_CALLS:
                return
            call = self._calls[key] = _Call(told[:200].decode(errors="ignore"))
        call.count += 1
        if len(call.spans) < MOST_SPANS:
            call.spans.append(step.span_id)

    def _repeated(self) -> Iterator[Finding]:
        often = [(key, call) for key, call in self._calls.items() if call.count >= REPEATS]
        for (name, _), call in sorted(often, key=lambda item: -item[1].count):
            title = f"{name or 'A tool'} called {call.count} times with the same arguments"
            finding = _finding("repeated", title, call.told, call.spans)
            finding.count = call.count
            yield finding

    def _add_try(self, step: Step) -> None:
        """Follow a call that failed to the siblings that try the same again."""
        key = (step.parent_span_id, step.kind, step.name)
        chain = self._chains.get(key)
        # What began before the other had failed was no answer to it.
        follows = chain is not None and step.start >= chain.end
        spans = [*chain.spans, step.span_id] if chain and follows else [step.span_id]
        if step.level == "error" and (follows or chain is None or len(chain.spans) == 1):
            self._chains[key] = _Chain(spans, step.start if step.end is None else step.end)
        elif follows:
            del self._chains[key]
            self._end_chain(step.name, spans, "then it succeeded")

    def _end_chain(self, name: str, chain: list[str], outcome: str) -> None:
        if len(self._retried) >= MOST_FINDINGS:
            self._left_out += 1
            return
        failed = len(chain) - 1 if outcome else len(chain)
        title = f"{name or 'A span'} failed {_often(failed)} and was tried again"
        self._retried.append(_finding("retried", title, outcome or "it never succeeded", chain))

    def end(self) -> Findings:
        """Return what was found, now that no span follows."""
        for (_, _, name), chain in self._chains.items():
            if len(chain.spans) > 1:
                self._end_chain(name, chain.spans, "")
        self._chains.clear()
        return self.result()

    def _judge(self, step: Step, tools: list[Json]) -> None:
        schemas = schemas_of(tools)
        for message in read_messages(step.output, output=True) or []:
            for part in message.parts:
                schema = schemas.get(part.name or "") if part.type == "tool_call" else None
                broken = faults(decoded(part.data) or {}, schema) if schema is not None else []
                if broken and len(self._broken) < MOST_FINDINGS:
                    title = f"The arguments of {part.name} break its schema"
                    self._broken.append(
                        _finding("schema", title, "; ".join(broken)[:300], [step.span_id])
                    )


_Same = tuple[str | None, str, str]
"""Parent, kind and name: what spans share that try the same."""


class _Chain(NamedTuple):
    spans: list[str]
    end: int
    """When the last of them failed."""


class _Call:
    __slots__ = ("count", "spans", "told")

    def __init__(self, told: str) -> None:
        self.told = told
        self.count = 0
        self.spans: list[str] = []


def find(steps: Iterable[Step]) -> Findings:
    """Return what is found in the spans of a trace, which come in the order of time."""
    finder = Finder()
    for step in steps:
        finder.add(step)
    return finder.end()


def counts(findings: Findings) -> dict[str, int]:
    """Return how many findings there are of each kind."""
    found: dict[str, int] = defaultdict(int)
    for finding in findings.found:
        found[finding.kind] += 1
    return dict(found)


def _finding(kind: str, title: str, detail: str, spans: list[str]) -> Finding:
    return Finding(
        kind=kind, title=title, detail=detail, spans=spans[:MOST_SPANS], count=len(spans)
    )


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _often(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
