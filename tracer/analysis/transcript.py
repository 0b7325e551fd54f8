"""The conversation of a trace: the messages that each step adds, without repetitions.

Each model call sends the conversation so far again; each message is shown once, where it is first.
A call repeats the messages that are at the same positions as in an earlier call and its response,
up to the first difference: so equal messages within one conversation are all shown. A call that
sends only the end of a long conversation repeats the messages that end with the earlier call's
response. A tool result is a repetition where the tool's own span has shown it before. Ids, names
and reasoning are ignored: in the repetition, APIs send others, or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.analysis.log.words import Term, matches, plain
from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part, decoded, read_part
from tracer.records import Json

MODEL: Final = "generation"
TOOLS: Final = ("tool", "function")
_MAX_CONVERSATIONS: Final = 50
"""Number of conversations remembered; of more agents that alternate, messages are shown again."""
_MIN_WINDOW: Final = 2

_Key = tuple[bytes, ...]
"""The digests by which messages are compared."""


class ConversationStep(NamedTuple):
    """A model call or a run of a tool, with its input and output."""

    span_id: str
    kind: str
    name: str
    input: Json
    output: Json


class Added(msgspec.Struct, kw_only=True):
    """What one step adds to the conversation."""

    span_id: str
    repeated_count: int
    """Number of its input messages that an earlier step has shown."""
    new: list[Message]
    """Its other input messages."""
    answer: list[Message]
    """The model's response, or the tool's result."""
    called: bool = False
    """True: a tool's run, whose call with these arguments an earlier response has shown."""


class Transcript:
    """Remembers the conversations so far; takes the steps in the order of time."""

    def __init__(self) -> None:
        self._conversations: list[list[_Key]] = []
        self._calls: set[bytes] = set()
        self._results: Counter[bytes] = Counter()
        """Results that tools' own spans have shown and no call has sent since."""

    def add(self, step: ConversationStep) -> Added:
        """Return what a step adds."""
        return self._tool(step) if step.kind in TOOLS else self._model(step)

    def _model(self, step: ConversationStep) -> Added:
        messages = _messages(step.input, "user")
        answer = _messages(step.output, "assistant")
        keys = [_key(message) for message in messages]
        repeated = self._repeated(keys)
        new = [message for index, message in enumerate(messages) if index not in repeated]
        self._remember(keys + [_key(message) for message in answer])
        for message in answer:
            self._calls.update(_digest("call", part.name, part.data) for part in _calls(message))
        return Added(span_id=step.span_id, repeated_count=len(repeated), new=new, answer=answer)

    def _tool(self, step: ConversationStep) -> Added:
        called = _digest("call", step.name, decoded(step.input)) in self._calls
        call = Part(type="tool_call", name=step.name, data=decoded(step.input))
        answer: list[Message] = []
        if step.output is not None:
            result = _result(step.name, step.output)
            answer = [Message(role="tool", parts=[result])]
            self._results[_digest("tool", *_content(result))] += 1
        new = [] if called else [Message(role="assistant", parts=[call])]
        return Added(span_id=step.span_id, repeated_count=0, new=new, answer=answer, called=called)

    def _repeated(self, keys: list[_Key]) -> set[int]:
        """Return the indexes of the messages that an earlier step has shown."""
        matches = [_match(conversation, keys) for conversation in self._conversations]
        repeated = max(matches, key=len, default=set())
        others = [index for index in range(len(keys)) if index not in repeated]
        return repeated | self._shown_results(keys, others)

    def _shown_results(self, keys: list[_Key], indexes: list[int]) -> set[int]:
        """Return the indexes of messages with only tool results that tools' spans have shown."""
        shown: set[int] = set()
        sent: set[bytes] = set()
        for index in indexes:
            digests = Counter(keys[index])
            if digests and all(self._results[digest] >= count for digest, count in digests.items()):
                self._results.subtract(digests)
                shown.add(index)
                sent |= digests.keys()
        for digest in sent:
            # One call may have several spans, each of which has shown the result.
            del self._results[digest]
        return shown

    def _remember(self, conversation: list[_Key]) -> None:
        """Keep a call's messages and its answer, in place of those that it continues."""
        others = [keys for keys in self._conversations if conversation[: len(keys)] != keys]
        self._conversations = [*others[1 - _MAX_CONVERSATIONS :], conversation]


def _match(earlier: list[_Key], keys: list[_Key]) -> set[int]:
    """Return the indexes of the messages that repeat an earlier call or its answer."""
    length = min(len(earlier), len(keys))
    unequal = (index for index in range(length) if earlier[index] != keys[index])
    start = next(unequal, length)
    return {*range(start), *_window(earlier[start:], keys, start)}


def _window(rest: list[_Key], keys: list[_Key], start: int) -> range:
    """Return the indexes from ``start`` on that repeat the end of ``rest``."""
    for end in range(len(keys), start + 1, -1):
        longest = min(len(rest), end - start)
        length = 0
        while length < longest and rest[-1 - length] == keys[end - 1 - length]:
            length += 1
        # A single message may be equal by chance.
        if length >= _MIN_WINDOW:
            return range(end - length, end)
    return range(0)


def whole(step: ConversationStep) -> Added:
    """Return a step with all messages of its input, as the call sent them."""
    return Transcript().add(step)


def contains(message: Message, words: list[Term]) -> bool:
    """Return whether a message contains all words of a search."""
    return matches(plain(exact_json.encode(message)), words)


def _messages(value: Json, role: str) -> list[Message]:
    if value is None or value in ("", [], {}):
        return []
    messages = read_messages(value, output=role == "assistant")
    if messages:
        return messages
    text = value if isinstance(value, str) else None
    data = None if isinstance(value, str) else value
    kind = "text" if data is None else "data"
    return [Message(role=role, parts=[Part(type=kind, text=text, data=data)])]


def _result(name: str, output: Json) -> Part:
    # In the form in which the next model call contains it, without the framework's wrappers.
    return read_part({"type": "tool_result", "name": name, "result": output})


def _calls(message: Message) -> list[Part]:
    return [part for part in message.parts if part.type == "tool_call"]


def _key(message: Message) -> _Key:
    return tuple(_digests(message))


def _digests(message: Message) -> Iterator[bytes]:
    """Yield the digests of a message: one for each tool result, and one for all other parts."""
    others = [part for part in message.parts if part.type not in ("tool_result", "reasoning")]
    for part in message.parts:
        if part.type == "tool_result":
            yield _digest("tool", *_content(part))
    # A message with only tool results has no such digest; an empty message has one.
    if others or not message.parts:
        # Reasoning is seldom sent again.
        yield _digest(message.role, [[p.type, *_content(p), p.name, p.url] for p in others])


def _content(part: Part) -> tuple[Json, Json]:
    if part.parts:
        return None, [[inner.type, *_content(inner), inner.url] for inner in part.parts]
    data = decoded(part.data)
    text = part.text.strip() if part.text else None
    # A result may come as text where the tool returned JSON.
    if text and data is None:
        inner = decoded(text)
        text, data = (None, inner) if not isinstance(inner, str) else (text, None)
    return text, data


def _digest(*values: Json) -> bytes:
    return blake2b(exact_json.encode_sorted(values), digest_size=12).digest()
