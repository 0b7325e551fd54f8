"""Compares what Tracer shows of a scene with what the provider really said in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from tests.instrumentations.seen import Span, Trace
from tests.support.provider.turns import (
    AFTER_TOOL,
    ANSWER,
    ARGUMENTS,
    EMBEDDING_TOKENS,
    FIRST,
    FORECAST,
    Counts,
)
from tracer.messages.conversation import Message, read_messages
from tracer.pricing.list_prices import price
from tracer.records import token_sums

OK: Final = "✓"
ABSENT: Final = "absent"

QUESTION: Final = "What is the weather in Paris?"
SYSTEM: Final = "Answer in one sentence."
WHY: Final = "Why is the sky blue?"
RESULT: Final = "18 degrees and sunny in Paris"
FAILED: Final = "the model was told to fail"
PRICED_AT: Final = 1_767_225_600_000_000


class Provider(NamedTuple):
    """A provider's name, its models, and how it counts."""

    name: str
    requested: str
    served: str
    parameter: tuple[str, Any]
    reports_reasoning: bool = True
    cache_written: int = 0

    def usage(self, counts: Counts) -> dict[str, int]:
        """Return the truth in disjoint buckets."""
        reasoning = counts.reasoning if self.reports_reasoning else 0
        buckets = {
            "input": counts.input - counts.cached,
            "cache_read": counts.cached - self.cache_written,
            "cache_write": self.cache_written,
            "output": counts.output - reasoning,
            "reasoning": reasoning,
        }
        return {bucket: number for bucket, number in buckets.items() if number}


class Scene(NamedTuple):
    """One trace of an application: what happens in it, and the tree it should become."""

    name: str
    sort: str
    """agent, stream, failure or embedding."""
    tree: str
    call: str
    """How the names of the spans begin that are the calls of the model."""


class Finding(NamedTuple):
    """What is the matter with a field in a scene: OK, ABSENT, or in words."""

    scene: str
    field: str
    verdict: str


def judge(scene: Scene, trace: Trace, provider: Provider) -> Iterator[Finding]:
    """Yield a finding for each field that the scene shows."""
    tree = trace.tree()
    yield Finding(scene.name, "tree", OK if tree == scene.tree.strip("\n") else f"is\n{tree}")
    calls = [span for span in trace.spans if span.name.startswith(scene.call)]
    for field, check in _CHECKS[scene.sort].items():
        verdict = check(calls, trace, provider) if calls else ABSENT
        if verdict is not None:
            yield Finding(scene.name, field, verdict)


Check = Callable[[list[Span], Trace, Provider], str | None]
"""Returns the verdict; None where the field can't be judged."""


def _each(verdicts: Iterator[str]) -> str:
    """Return the first that isn't OK."""
    return next((verdict for verdict in verdicts if verdict != OK), OK)


def _same(value: Any, wanted: Any, absent: bool) -> str:
    """Compare, and say ABSENT of a difference that is none but a lack."""
    if value == wanted:
        return OK
    return ABSENT if absent else f"{value!r}, not {wanted!r}"


def _model(calls: list[Span], trace: Trace, provider: Provider) -> str:
    unknown = (None, provider.requested)
    return _each(_same(call.model, provider.served, call.model in unknown) for call in calls)


def _requested_model(calls: list[Span], trace: Trace, provider: Provider) -> str:
    models = (call.requested_model or call.model for call in calls)
    return _each(
        _same(model, provider.requested, model in (None, provider.served)) for model in models
    )


def _provider(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _each(_same(call.provider, provider.name, call.provider is None) for call in calls)


def _parameters(calls: list[Span], trace: Trace, provider: Provider) -> str:
    name, value = provider.parameter
    values = (call.model_parameters.get(name) for call in calls)
    return _each(_same(sent, value, sent is None) for sent in values)


def _input(calls: list[Span], trace: Trace, provider: Provider) -> str:
    wanted = [f"system: {SYSTEM}", f"user: {QUESTION}"]
    after = [*wanted, f"call get_weather {json.dumps(ARGUMENTS)}", f"result {RESULT}"]
    return _each(
        _says(call.input, expected) for call, expected in zip(calls, (wanted, after), strict=True)
    )


def _stream_input(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _each(_says(call.input, [f"user: {WHY}"]) for call in calls)


def _output(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _says(calls[-1].output, [f"assistant: {FORECAST}"], output=True)


def _stream_output(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _each(_says(call.output, [f"assistant: {ANSWER}"], output=True) for call in calls)


def _tool_call(calls: list[Span], trace: Trace, provider: Provider) -> str:
    wanted = [f"call get_weather {json.dumps(ARGUMENTS)}"]
    return _says(calls[0].output, wanted, output=True)


def _says(value: Any, wanted: list[str], *, output: bool = False) -> str:
    """Judge whether the messages in ``value`` hold the wanted lines, in that order."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        value = {"role": "assistant" if output else "user", "content": value}
    messages = read_messages(value, output=output)
    if messages is None:
        return f"no messages: {json.dumps(value)[:200]}"
    lines = list(_lines(messages))
    places = [_position(lines, line) for line in wanted]
    if -1 in places or places != sorted(places):
        return f"{lines}, not {wanted}"
    return OK


def _position(lines: list[str], wanted: str) -> int:
    """Return where the line is; frameworks put words of their own around what was asked."""
    role, _, text = wanted.partition(" ")
    positions = (k for k, line in enumerate(lines) if line.startswith(f"{role} ") and text in line)
    return next(positions, -1)


def _lines(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        # A streamed text may be a part for each of its pieces.
        text = "".join(part.text or "" for part in message.parts if part.type == "text")
        if text:
            yield f"{'result' if message.role == 'tool' else f'{message.role}:'} {text}"
        for part in message.parts:
            if part.type == "tool_call":
                yield f"call {part.name} {json.dumps(part.data)}"
            elif part.type == "tool_result":
                yield f"result {_result_text(part.text, part.data)}"


def _result_text(text: str | None, data: Any) -> str:
    # Gemini's results are objects: {"result": "…"}.
    if isinstance(data, dict) and len(data) == 1:
        data = next(iter(data.values()))
    return text if text is not None else str(data)


def _offered(calls: list[Span], trace: Trace, provider: Provider) -> str:
    offers = (json.dumps(call.tools) for call in calls)
    return _each(
        OK if '"get_weather"' in tools else ABSENT if tools == "[]" else tools for tools in offers
    )


_CALLS: Final = ("tool_calls", "tool_call", "tool_use", "tool-calls", "function_call")
_ENDS: Final = ("stop", "end_turn")


def _finish(calls: list[Span], trace: Trace, provider: Provider) -> str:
    # Gemini and the Responses API end a turn that calls a tool like any other.
    words = (*_CALLS, *_ENDS, "completed")
    reasons = (call.finish_reasons or _said_in(call.output) for call in calls)
    return _each(
        ABSENT if not reason else OK if reason[0].lower() in words else str(reason)
        for reason in reasons
    )


def _said_in(output: Any) -> list[str]:
    """Return the reasons that the answer's own messages tell."""
    messages = read_messages(output, output=True) or []
    return [message.finish_reason for message in messages if message.finish_reason]


def _tool_span(calls: list[Span], trace: Trace, provider: Provider) -> str:
    tools = [span for span in trace.spans if span.kind == "tool"]
    if not tools:
        return ABSENT
    given, output = json.dumps(tools[0].input), json.dumps(tools[0].output)
    if given == output == "null":
        return ABSENT
    right = "Paris" in given and RESULT in output
    return OK if right else f"input {given[:100]}, output {output[:100]}"


def _truth(calls: list[Span], provider: Provider) -> list[tuple[Span, dict[str, int]]]:
    turns = (FIRST, AFTER_TOOL)[: len(calls)]
    wanted = [provider.usage(counts) for counts in turns]
    return list(zip(calls, wanted, strict=True))


def _tokens(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _each(
        _same(token_sums(call.usage), token_sums(usage), not call.usage)
        for call, usage in _truth(calls, provider)
    )


def _cached(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _buckets(calls, provider, "cache_read", "cache_write")


def _reasoning(calls: list[Span], trace: Trace, provider: Provider) -> str | None:
    return _buckets(calls, provider, "reasoning") if provider.reports_reasoning else None


def _buckets(calls: list[Span], provider: Provider, *names: str) -> str:
    def part(usage: dict[str, int]) -> dict[str, int]:
        return {name: usage[name] for name in names if usage.get(name)}

    return _each(
        _same(part(call.usage), part(usage), not part(call.usage))
        for call, usage in _truth(calls, provider)
    )


def _cost(calls: list[Span], trace: Trace, provider: Provider) -> str:
    # Some sum their dollars in binary.
    return _each(
        _same(call.cost and round(call.cost, 12), total, call.cost is None)
        for call, usage in _truth(calls, provider)
        for total in [sum((price(provider.served, provider.name, usage, PRICED_AT) or {}).values())]
    )


def _first_token(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _each(OK if call.first_token else ABSENT for call in calls)


def _error(calls: list[Span], trace: Trace, provider: Provider) -> str:
    def shown_error(call: Span) -> str:
        if call.level != "error":
            return ABSENT
        return OK if FAILED in (call.status_message or "") else f"says {call.status_message!r}"

    return _each(shown_error(call) for call in calls)


def _session(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _same(trace.session, "chat-1", trace.session is None)


def _user(calls: list[Span], trace: Trace, provider: Provider) -> str:
    return _same(trace.user, "user-1", trace.user is None)


def _totals(calls: list[Span], trace: Trace, provider: Provider) -> str | None:
    """Judge whether the trace has what its calls have, and no wrapper's repetition of it."""
    if not trace.stored:
        return None
    tokens = sum(token_sums(call.usage)[2] or 0 for call in calls)
    dollars = sum(call.cost or 0 for call in calls)
    counted = _same(trace.total_tokens, tokens, trace.total_tokens is None)
    paid = _same(round(trace.total_cost or 0, 9), round(dollars, 9), trace.total_cost is None)
    return _each(iter((counted, paid)))


def _embedding_tokens(calls: list[Span], trace: Trace, provider: Provider) -> str:
    usage = calls[0].usage
    return _same(usage.get("input"), EMBEDDING_TOKENS, not usage)


_MODEL: Final[dict[str, Check]] = {
    "model": _model,
    "requested model": _requested_model,
    "provider": _provider,
}
_COUNTS: Final[dict[str, Check]] = {
    "tokens": _tokens,
    "cached": _cached,
    "reasoning": _reasoning,
    "cost": _cost,
    "counted once": _totals,
}
_WHO: Final[dict[str, Check]] = {"session": _session, "user": _user}
_CHECKS: Final[dict[str, dict[str, Check]]] = {
    "other": {},
    "agent": {
        **_MODEL,
        "parameters": _parameters,
        "input": _input,
        "output": _output,
        "tool call": _tool_call,
        "tools offered": _offered,
        "finish reason": _finish,
        "tool span": _tool_span,
        **_COUNTS,
        **_WHO,
    },
    "stream": {
        **_MODEL,
        "input": _stream_input,
        "output": _stream_output,
        "first token": _first_token,
        **_COUNTS,
    },
    "failure": {"error": _error},
    "embedding": {"tokens": _embedding_tokens},
}
FIELDS: Final = tuple(dict.fromkeys(("tree", *(f for c in _CHECKS.values() for f in c))))
"""The columns of the table in the docs."""
