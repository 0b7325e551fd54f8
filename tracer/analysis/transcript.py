"""The conversation of a trace in reading order: what each step says that was not said before.

Each model call sends the conversation so far again; a reader wants each message once, where it
was said first. So a message counts as known when one of the same role said the same before,
whatever ids and names an API puts around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part, decoded
from tracer.records import Json

MODEL: Final = "generation"
TOOLS: Final = ("tool", "function")


class Spoken(NamedTuple):
    """A model call or a tool's run, with what went in and what came out."""

    span_id: str
    kind: str
    name: str
    input: Json
    output: Json


class Told(msgspec.Struct, kw_only=True):
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


class Teller:
    """Remembers what has been said; takes the steps in the order of time."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def tell(self, step: Spoken) -> Told:
        """Return what a step adds."""
        return self._tool(step) if step.kind in TOOLS else self._model(step)

    def _model(self, step: Spoken) -> Told:
        new, again = [], 0
        for message in _messages(step.input, "user"):
            if self._seen(message):
                again += 1
            else:
                new.append(message)
        answer = _messages(step.output, "assistant")
        for message in answer:
            self._seen(message)
            self._known.update(_mark("call", part.name, part.data) for part in _calls(message))
        return Told(span_id=step.span_id, again=again, new=new, answer=answer)

    def _tool(self, step: Spoken) -> Told:
        called = _mark("call", step.name, decoded(step.input)) in self._known
        asked = Part(type="tool_call", name=step.name, data=decoded(step.input))
        answer: list[Message] = []
        if step.output is not None:
            result = _result(step.name, step.output)
            answer = [Message(role="tool", parts=[result])]
            self._known.add(_mark("tool", *_content(result)))
        new = [] if called else [Message(role="assistant", parts=[asked])]
        return Told(span_id=step.span_id, again=0, new=new, answer=answer, called=called)

    def _seen(self, message: Message) -> bool:
        """Return whether a message is known, and know it from now on."""
        marks = list(_marks(message))
        known = all(mark in self._known for mark in marks)
        self._known.update(marks)
        return known


def tell(steps: Iterable[Spoken]) -> list[Told]:
    """Return the conversation of steps that come in the order of time."""
    teller = Teller()
    return [teller.tell(step) for step in steps]


def _messages(value: Json, role: str) -> list[Message]:
    if value is None:
        return []
    found = read_messages(value, output=role == "assistant")
    if found:
        return found
    text = value if isinstance(value, str) else None
    data = None if isinstance(value, str) else value
    kind = "text" if data is None else "data"
    return [Message(role=role, parts=[Part(type=kind, text=text, data=data)])]


def _result(name: str, output: Json) -> Part:
    value = decoded(output)
    if isinstance(value, str):
        return Part(type="tool_result", name=name, text=value)
    return Part(type="tool_result", name=name, data=value)


def _calls(message: Message) -> list[Part]:
    return [part for part in message.parts if part.type == "tool_call"]


def _marks(message: Message) -> Iterator[bytes]:
    """Yield what a message is known by: results one by one, all the rest together."""
    said = [part for part in message.parts if part.type not in ("tool_result", "reasoning")]
    for part in message.parts:
        if part.type == "tool_result":
            yield _mark("tool", *_content(part))
    # A message of results alone says nothing else; one that is empty is known by that.
    if said or not message.parts:
        # Reasoning is seldom sent again.
        yield _mark(message.role, [[p.type, *_content(p), p.name, p.url] for p in said])


def _content(part: Part) -> tuple[Json, Json]:
    data = decoded(part.data)
    text = part.text.strip() if part.text else None
    # A result may come as text where the tool returned JSON.
    if text and data is None:
        inner = decoded(text)
        text, data = (None, inner) if not isinstance(inner, str) else (text, None)
    return text, data


def _mark(*said: Json) -> bytes:
    return blake2b(msgspec.json.encode(said, order="sorted"), digest_size=12).digest()
