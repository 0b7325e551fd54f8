"""OpenAI's chat completions and embeddings, as the provider answers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.provider.turns import (
    ARGUMENTS,
    CALL_ID,
    CREATED,
    EMBEDDING_TOKENS,
    Counts,
    Json,
    Turn,
    next_turn,
    served_model,
)


def turn_of(request: Json) -> Turn:
    """Return the turn that the request gets."""
    tools = [tool["function"]["name"] for tool in request.get("tools") or []]
    return next_turn(tools, any(_is_result(message) for message in request["messages"]))


def _is_result(message: Json) -> bool:
    # smolagents sends a tool's result in a message of the user.
    content = message.get("content")
    texts = [part.get("text") for part in content] if isinstance(content, list) else [content]
    return message["role"] == "tool" or any(str(text).startswith("Observation:") for text in texts)


def answer(request: Json) -> Json:
    """Return a chat completion."""
    turn = turn_of(request)
    message: Json = {"role": "assistant", "content": turn.text, "refusal": None}
    if turn.tool:
        message["tool_calls"] = [_call(turn.tool)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(turn)}
    return {**_head(request, "chat.completion"), "choices": [choice], "usage": usage(turn.counts)}


def stream(request: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield the chunks of a chat completion; with usage only if the request asks for it."""
    turn = turn_of(request)
    head = _head(request, "chat.completion.chunk")
    deltas: list[Json] = [{"role": "assistant", "content": None if turn.tool else ""}]
    if turn.tool:
        call = _call(turn.tool)
        arguments = call["function"]["arguments"]
        start = {**call, "index": 0, "function": {"name": turn.tool, "arguments": ""}}
        deltas.append({"tool_calls": [start]})
        for piece in (arguments[:5], arguments[5:]):
            deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    deltas += [{"content": piece} for piece in turn.pieces()]
    for delta in deltas:
        yield None, {**head, "choices": [_chunk(delta, None)]}
    yield None, {**head, "choices": [_chunk({}, _reason(turn))]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield None, {**head, "choices": [], "usage": usage(turn.counts)}
    yield None, "[DONE]"


def embeddings(request: Json) -> Json:
    """Return a short vector for each input."""
    given: Any = request["input"]
    # A text, a list of texts, one list of tokens, or several of those.
    several = isinstance(given, list) and given and not isinstance(given[0], int)
    data = [
        {"object": "embedding", "index": index, "embedding": [0.5, -0.25, 0.125]}
        for index in range(len(given) if several else 1)
    ]
    counts = {"prompt_tokens": EMBEDDING_TOKENS, "total_tokens": EMBEDDING_TOKENS}
    return {"object": "list", "model": request["model"], "data": data, "usage": counts}


def usage(counts: Counts) -> Json:
    """Return the counts under the names of chat completions."""
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, "audio_tokens": 0},
    }


def _head(request: Json, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{turn_of(request).number}",
        "object": kind,
        "created": CREATED,
        "model": served_model(request["model"]),
        "system_fingerprint": "fp_1",
    }


def _chunk(delta: Json, reason: str | None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _call(tool: str) -> Json:
    function = {"name": tool, "arguments": json.dumps(ARGUMENTS)}
    return {"id": CALL_ID, "type": "function", "function": function}


def _reason(turn: Turn) -> str:
    return "tool_calls" if turn.tool else "stop"
