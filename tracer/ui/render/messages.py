"""Renders an input or output: as messages in reading order, as text, as JSON, or raw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup

from tracer import exact_json
from tracer.messages.conversation import Message, Part, read_messages
from tracer.records import Json
from tracer.ui.render import excerpt, json_tree
from tracer.ui.render.json_tree import Item
from tracer.ui.render.markdown import length_to_render, markdown
from tracer.ui.render.media import safe_media

# Parsing takes 2 ms per 1,000 characters, so less than 0.1 s per page.
_MARKDOWN_PER_PAGE = 40_000
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class CalledSpan:
    """The span of the tool that a call ran."""

    span_id: str
    duration: str
    failed: bool


@dataclass(slots=True)
class Piece:
    """One part of a message, as ``html`` if it is rendered, else as ``text`` or ``json``."""

    kind: str
    """text, reasoning, call, result, image, audio, file or data"""
    html: Markup | None = None
    text: str = ""
    """The text, or its beginning if it has a ``size``."""
    size: str = ""
    """The size of the whole text, if ``text`` is its beginning."""
    digest: str = ""
    pointer: str = ""
    """The pointer of the value in which `excerpt.find_text` finds the whole text by ``digest``."""
    length: int = 0
    """The number of characters of the whole text."""
    dense: bool = False
    """The text has long runs without a space."""
    name: str = ""
    """The name of the tool or file; for an unknown part its type in the API."""
    url: str = ""
    """The data of an image or audio, as a ``data:`` URL."""
    json: Item | None = None
    results: list[Piece] = field(default_factory=list)
    """The results of a call."""
    span: CalledSpan | None = None
    """The span of a call; None: unknown."""
    pieces: list[Piece] = field(default_factory=list)
    """The parts of a result that contains images, audio or files."""


@dataclass(slots=True)
class Turn:
    """One message."""

    role: str
    name: str
    pieces: list[Piece]
    closed: bool = False
    finish_reason: str = ""
    left_out: str = ""
    """The text of the row in place of messages that are left out."""

    @property
    def summary(self) -> str:
        """The beginning of its text, shown while it is closed."""
        return next((piece.text for piece in self.pieces if piece.text), "")[:200]


@dataclass(slots=True)
class Body:
    """One rendered value; all fields are empty if it was not sent."""

    turns: list[Turn] = field(default_factory=list)
    piece: Piece | None = None
    json: Item | None = None
    raw: str | None = None
    raw_size: str = ""
    """The size of the whole raw value, if ``raw`` is its beginning."""

    def __bool__(self) -> bool:
        return bool(self.turns or self.piece or self.json or self.raw is not None)


def _raw_body(value: Json) -> Body:
    text, size = excerpt.excerpt(exact_json.to_indented_text(value))
    return Body(raw=text, raw_size=size)


class Renderer:
    """Renders the values of one page, which share a limit of markdown characters."""

    def __init__(self) -> None:
        self._characters = _MARKDOWN_PER_PAGE

    def render(self, value: Json, pointer: str, *, output: bool = False, raw: bool = False) -> Body:
        """Return ``value`` rendered; ``pointer`` is its JSON pointer in its span or trace."""
        if value is None:
            return Body()
        if raw:
            return _raw_body(value)
        # Any value with the shape of a conversation is shown as one, also the input of a tool.
        messages = read_messages(value, output=output)
        if messages:
            return Body(turns=self.turns(messages, pointer))
        if isinstance(value, str):
            value = excerpt.parse(value)
        if isinstance(value, str):
            kind = safe_media(value)
            return Body(piece=self.text(value, pointer) if kind is None else Piece(kind, url=value))
        return Body(json=json_tree.view(value, pointer))

    def turns(self, messages: Iterable[Message], pointer: str) -> list[Turn]:
        """Return messages in reading order, with each tool result under its call."""
        turns: list[Turn] = []
        calls: dict[str, Piece] = {}
        for message in messages:
            pieces = []
            for part in message.parts:
                piece = self._piece(part, pointer)
                # APIs send results in messages of their own; they are shown with the call.
                call = calls.get(part.id or "") if piece.kind == "result" else None
                if call is not None:
                    call.results.append(piece)
                    continue
                if piece.kind == "call" and part.id:
                    calls[part.id] = piece
                pieces.append(piece)
                if piece.url and part.text:
                    # The transcript of audio.
                    pieces.append(self.text(part.text, pointer))
            # A message is left out if all of its parts are shown under calls.
            if pieces or not message.parts:
                closed = message.role in _SYSTEM
                turns.append(
                    Turn(
                        message.role,
                        message.name or "",
                        pieces,
                        closed,
                        message.finish_reason or "",
                    )
                )
        return turns

    def text(self, text: str, pointer: str, kind: str = "text", name: str = "") -> Piece:
        """Return a text of the value at ``pointer`` rendered as markdown.

        Once the page's limit is used up, the beginning of the text is returned unrendered.
        """
        piece = Piece(kind, text=text, name=name, pointer=pointer, length=len(text))
        piece.dense = excerpt.is_dense(text)
        length = length_to_render(text)
        if length <= self._characters:
            piece.html = markdown(excerpt.separated(text))
            self._characters -= length
        if piece.html is None:
            piece.text, piece.size = excerpt.excerpt(text)
            piece.digest = excerpt.digest(text) if piece.size else ""
        return piece

    def _piece(self, part: Part, pointer: str) -> Piece:
        if part.type in ("text", "reasoning"):
            return self.text(part.text or "", pointer, part.type)
        if part.type == "tool_call":
            return Piece("call", name=part.name or "", json=json_tree.view_part(part.data, pointer))
        if part.type == "tool_result":
            return self._result(part, pointer)
        if part.type in ("image", "audio", "file"):
            return self._media(part, pointer)
        json = json_tree.view_part(part.data, pointer)
        return Piece("data", json=json, text=part.text or "", name=part.name or "")

    def _media(self, part: Part, pointer: str) -> Piece:
        """Return an image, audio or file, or if it can't be shown, a description of it."""
        if kind := safe_media(part.url):
            return Piece(kind, url=part.url or "", name=part.name or "")
        facts = " ".join(word for word in (part.mime_type, part.name, part.url) if word)
        if part.text:
            # A document that was sent as text, or the transcript of audio that was not sent.
            return self.text(part.text, pointer, "file", " ".join((part.type, facts)).strip())
        return Piece("file", text=facts or "not kept", name=part.type)

    def _result(self, part: Part, pointer: str) -> Piece:
        if part.parts:
            pieces = [self._piece(inner, pointer) for inner in part.parts]
            return Piece("result", name=part.name or "", pieces=pieces)
        value = part.data if part.data is not None else part.text
        if isinstance(value, str):
            value = excerpt.parse(value)
        if isinstance(value, str):
            return self.text(value, pointer, "result", part.name or "")
        return Piece("result", name=part.name or "", json=json_tree.view_part(value, pointer))
