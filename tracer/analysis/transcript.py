"""The conversation of a trace in reading order: what each step adds to it.

Each model call sends the conversation so far again; a reader wants each message once, where it
came first. A call repeats the messages that it has in the same places as an earlier call and its
answer, from the first on: so equal messages of one conversation are all shown. A call that sends
only the end of a long conversation repeats what ends with the earlier call's answer. The result
of a tool is a repeat where the tool's own span, further up, has shown it. Ids, names and
reasoning make no difference: APIs send them differently the second time, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part, decoded, read_part
from tracer.records import Json

MODEL: Final = "generation"
TOOLS: Final = ("tool", "function")
_MOST_CONVERSATIONS: Final = 50
"""How many agents may take turns before a conversation is shown again."""
_LEAST_WINDOW: Final = 2

_Key = tuple[bytes, ...]
"""The marks by which a message is compared."""


class Step(NamedTuple):
    """A model call or a tool's run, with what went in and what came out."""

    span_id: str
    kind: str
    name: str
    input: Json
    output: Json


class Added(msgspec.Struct, kw_only=True):
    """What one step adds to the conversation."""

    span_id: str
    again: int
    """Messages it was sent that are further up already."""
    new: list[Message]
    """Those that are not."""
    answer: list[Message]
    """What came out."""
    called: bool = False
    """A tool whose call, with these arguments, an answer further up shows."""


class Transcript:
    """Remembers the conversations so far; takes the steps in the order of time."""

    def __init__(self) -> None:
        self._conversations: list[list[_Key]] = []
        self._calls: set[bytes] = set()
        self._results: Counter[bytes] = Counter()
        """Results that tools' own spans have shown and no call has sent since."""

    def add(self, step: Step) -> Added:
        """Return what a step adds."""
        return self._tool(step) if step.kind in TOOLS else self._model(step)

    def _model(self, step: Step) -> Added:
        messages = _messages(step.input, "user")
        answer = _messages(step.output, "assistant")
        keys = [_key(message) for message in messages]
        repeated = self._repeated(keys)
        new = [message for index, message in enumerate(messages) if index not in repeated]
        self._remember(keys + [_key(message) for message in answer])
        for message in answer:
            self._calls.update(_mark("call", part.name, part.data) for part in _calls(message))
        return Added(span_id=step.span_id, again=len(repeated), new=new, answer=answer)

    def _tool(self, step: Step) -> Added:
        called = _mark("call", step.name, decoded(step.input)) in self._calls
        call = Part(type="tool_call", name=step.name, data=decoded(step.input))
        answer: list[Message] = []
        if step.output is not None:
            result = _result(step.name, step.output)
            answer = [Message(role="tool", parts=[result])]
            self._results[_mark("tool", *_content(result))] += 1
        new = [] if called else [Message(role="assistant", parts=[call])]
        return Added(span_id=step.span_id, again=0, new=new, answer=answer, called=called)

    def _repeated(self, keys: list[_Key]) -> set[int]:
        """Return the indexes of the messages that an earlier step has shown."""
        matches = [_match(conversation, keys) for conversation in self._conversations]
        repeated = max(matches, key=len, default=set())
        others = [index for index in range(len(keys)) if index not in repeated]
        return repeated | self._shown_results(keys, others)

    def _shown_results(self, keys: list[_Key], indexes: list[int]) -> set[int]:
        """Return those of the messages that hold only results of tools with their own spans."""
        shown: set[int] = set()
        sent: set[bytes] = set()
        for index in indexes:
            marks = Counter(keys[index])
            if marks and all(self._results[mark] >= count for mark, count in marks.items()):
                self._results.subtract(marks)
                shown.add(index)
                sent |= marks.keys()
        for mark in sent:
            # One call may have several spans, each of which has shown the result.
            del self._results[mark]
        return shown

    def _remember(self, conversation: list[_Key]) -> None:
        """Keep a call's messages and its answer, in place of those that it continues."""
        others = [keys for keys in self._conversations if conversation[: len(keys)] != keys]
        self._conversations = [*others[1 - _MOST_CONVERSATIONS :], conversation]


def _match(earlier: list[_Key], keys: list[_Key]) -> set[int]:
    """Return the indexes of the messages that repeat an earlier call or its answer."""
    length = min(len(earlier), len(keys))
    unequal = (index for index in range(length) if earlier[index] != keys[index])
    start = next(unequal, length)
    return {*range(start), *_window(earlier[start:], keys, start)}


def _window(rest: list[_Key], keys: list[_Key], start: int) -> range:
    """Return the indexes from ``start`` on that repeat the end of ``rest``."""
    for end in range(len(keys), start + 1, -1):
        most = min(len(rest), end - start)
        length = 0
        while length < most and rest[-1 - length] == keys[end - 1 - length]:
            length += 1
        # A single message may be equal by chance.
        if length >= _LEAST_WINDOW:
            return range(end - length, end)
    return range(0)


def added_messages(steps: Iterable[Step]) -> list[Added]:
    """Return the conversation of steps that come in the order of time."""
    transcript = Transcript()
    return [transcript.add(step) for step in steps]


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
    # As the next call of the model will send it: what a framework wraps it in is gone there.
    return read_part({"type": "tool_result", "name": name, "result": output})


def _calls(message: Message) -> list[Part]:
    return [part for part in message.parts if part.type == "tool_call"]


def _key(message: Message) -> _Key:
    return tuple(_marks(message))


def _marks(message: Message) -> Iterator[bytes]:
    """Yield what a message is known by: results one by one, all the rest together."""
    others = [part for part in message.parts if part.type not in ("tool_result", "reasoning")]
    for part in message.parts:
        if part.type == "tool_result":
            yield _mark("tool", *_content(part))
    # A message of results alone holds nothing else; one that is empty is known by that.
    if others or not message.parts:
        # Reasoning is seldom sent again.
        yield _mark(message.role, [[p.type, *_content(p), p.name, p.url] for p in others])


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


def _mark(*values: Json) -> bytes:
    return blake2b(exact_json.encode_sorted(values), digest_size=12).digest()
