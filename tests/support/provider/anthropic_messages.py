"""Anthropic's messages, as the provider sends them: input tokens exclude the cached ones."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.provider.turns import ARGUMENTS, Counts, Json, Turn, next_turn, served_model

CACHE_WRITTEN = 100
"""Of the tokens that other providers report as cached, those that this call wrote."""


def turn_of(request: Json) -> Turn:
    """Return the turn that the request gets."""
    blocks = [
        block
        for message in request["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    tools = [tool["name"] for tool in request.get("tools") or []]
    return next_turn(tools, any(block.get("type") == "tool_result" for block in blocks))


def answer(request: Json) -> Json:
    """Return a message."""
    turn = turn_of(request)
    return {
        **_message(request),
        "content": [_block(turn)],
        **_end(turn),
        "usage": usage(turn.counts),
    }


def stream(request: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield the message's events, each named as the provider does."""
    for event in _events(request):
        yield event["type"], event


def _events(request: Json) -> Iterator[Json]:
    turn = turn_of(request)
    counts = usage(turn.counts)
    begun = {**_message(request), "content": [], "stop_reason": None, "stop_sequence": None}
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
    """Return the counts under the messages API's names; output includes the reasoning."""
    return {
        "input_tokens": counts.input - counts.cached,
        "cache_creation_input_tokens": CACHE_WRITTEN,
        "cache_read_input_tokens": counts.cached - CACHE_WRITTEN,
        "output_tokens": counts.output,
    }


def _message(request: Json) -> Json:
    return {
        "id": f"msg_{turn_of(request).number}",
        "type": "message",
        "role": "assistant",
        "model": served_model(request["model"]),
    }


def _block(turn: Turn) -> Json:
    if turn.tool:
        return {"type": "tool_use", "id": "toolu_1", "name": turn.tool, "input": ARGUMENTS}
    return {"type": "text", "text": turn.text}


def _end(turn: Turn) -> Json:
    return {"stop_reason": "tool_use" if turn.tool else "end_turn", "stop_sequence": None}
