"""Anthropic's messages, as the provider answers them: cached tokens stand beside the input."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.provider.turns import ARGUMENTS, Counts, Json, Turn, next_turn, served

CACHE_WRITTEN = 100
"""Of the tokens that other providers report as cached, those that this call wrote."""


def turn_of(asked: Json) -> Turn:
    """Return the turn that the request gets."""
    blocks = [
        block
        for message in asked["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    tools = [tool["name"] for tool in asked.get("tools") or []]
    return next_turn(tools, any(block.get("type") == "tool_result" for block in blocks))


def answer(asked: Json) -> Json:
    """Return a message."""
    turn = turn_of(asked)
    return {**_message(asked), "content": [_block(turn)], **_end(turn), "usage": usage(turn.counts)}


def stream(asked: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield the message's events, each named as the provider does."""
    for event in _events(asked):
        yield event["type"], event


def _events(asked: Json) -> Iterator[Json]:
    turn = turn_of(asked)
    counts = usage(turn.counts)
    begun = {**_message(asked), "content": [], "stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": {**begun, "usage": {**counts, "output_tokens": 1}}}
    block = _block(turn)
    empty = {**block, "input": {}} if turn.tool else {**block, "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    yield {"type": "ping"}
    deltas: list[Json] = [{"type": "text_delta", "text": piece} for piece in turn.pieces()]
    if turn.tool:
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}]
    for delta in deltas:
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": _end(turn), "usage": counts}
    yield {"type": "message_stop"}


def usage(counts: Counts) -> Json:
    """Return the counts in the words of the messages API; output tells no reasoning apart."""
    return {
        "input_tokens": counts.input - counts.cached,
        "cache_creation_input_tokens": CACHE_WRITTEN,
        "cache_read_input_tokens": counts.cached - CACHE_WRITTEN,
        "output_tokens": counts.output,
    }


def _message(asked: Json) -> Json:
    return {
        "id": f"msg_{turn_of(asked).number}",
        "type": "message",
        "role": "assistant",
        "model": served(asked["model"]),
    }


def _block(turn: Turn) -> Json:
    if turn.tool:
        return {"type": "tool_use", "id": "toolu_1", "name": turn.tool, "input": ARGUMENTS}
    return {"type": "text", "text": turn.text}


def _end(turn: Turn) -> Json:
    return {"stop_reason": "tool_use" if turn.tool else "end_turn", "stop_sequence": None}
