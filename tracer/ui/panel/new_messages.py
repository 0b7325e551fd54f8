"""The input of a generation as its new messages, with repeated messages folded."""

from __future__ import annotations

from itertools import groupby

from tracer.analysis.context.compare import CACHED, REPEATED, Context, ContextMessage
from tracer.messages.conversation import Message, ReadItem, read_messages
from tracer.records import Json
from tracer.ui.render.format import count
from tracer.ui.render.messages import Body, Renderer, Turn
from tracer.wording import plural

_Pair = tuple[Message, ContextMessage]


def has_known(context: Context) -> bool:
    """Return whether messages of a call were sent before."""
    return any(map(_is_known, _messages(context)))


def new_messages(value: Json, context: Context, renderer: Renderer, read: ReadItem) -> Body:
    """Return an input with each run of known messages as one folded turn."""
    pairs = zip(read_messages(value, read=read) or (), _messages(context), strict=True)
    turns: list[Turn] = []
    for known, group in groupby(pairs, key=lambda pair: _is_known(pair[1])):
        run = list(group)
        turns += [_folded(run)] if known else _turns(run, renderer)
    return Body(turns=turns)


def _messages(context: Context) -> list[ContextMessage]:
    # The definitions of tools are shown in a section of their own.
    return [message for message in context.messages if message.number]


def _is_known(message: ContextMessage) -> bool:
    return message.state in (CACHED, REPEATED)


def _turns(run: list[_Pair], renderer: Renderer) -> list[Turn]:
    return renderer.turns([message for message, _ in run], "/input")


def _folded(run: list[_Pair]) -> Turn:
    words = f"{plural(len(run), 'message')} sent before"
    tokens = [message.tokens for _, message in run if message.tokens is not None]
    if tokens:
        words += f", about {count(sum(tokens))} tokens"
    return Turn("", "", [], left_out=words)
