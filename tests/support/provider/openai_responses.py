"""OpenAI's Responses API, as the provider answers it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.support.provider.turns import (
    ARGUMENTS,
    CALL_ID,
    CREATED,
    Json,
    Turn,
    next_turn,
    served_model,
)


def turn_of(request: Json) -> Turn:
    """Return the turn that the request gets."""
    tools = [tool["name"] for tool in request.get("tools") or [] if tool["type"] == "function"]
    given = request["input"]
    items = given if isinstance(given, list) else []
    answered = any(item.get("type") == "function_call_output" for item in items)
    return next_turn(tools, answered)


def answer(request: Json) -> Json:
    """Return a completed response."""
    turn = turn_of(request)
    return _response(request, "completed", [_item(turn, "completed")], _usage(turn))


def stream(request: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield the response's events, numbered and named as the provider does."""
    for number, (name, event) in enumerate(_events(request)):
        yield name, {"type": name, "sequence_number": number, **event}


def _events(request: Json) -> Iterator[tuple[str, Json]]:
    turn = turn_of(request)
    begun = _response(request, "in_progress", [], None)
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    item = _item(turn, "completed")
    position: Json = {"output_index": 0, "item_id": item["id"]}
    open_item = {**item, "status": "in_progress"}
    open_item["arguments" if turn.tool else "content"] = "" if turn.tool else []
    yield "response.output_item.added", {"output_index": 0, "item": open_item}
    if turn.tool:
        arguments = item["arguments"]
        yield "response.function_call_arguments.delta", {**position, "delta": arguments}
        done = {**position, "name": turn.tool, "arguments": arguments}
        yield "response.function_call_arguments.done", done
    else:
        part = item["content"][0]
        inside = {**position, "content_index": 0}
        yield "response.content_part.added", {**inside, "part": {**part, "text": ""}}
        for piece in turn.pieces():
            yield "response.output_text.delta", {**inside, "delta": piece, "logprobs": []}
        yield "response.output_text.done", {**inside, "text": turn.text, "logprobs": []}
        yield "response.content_part.done", {**inside, "part": part}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield "response.completed", {"response": _response(request, "completed", [item], _usage(turn))}


def _item(turn: Turn, status: str) -> Json:
    if turn.tool:
        return {
            "type": "function_call",
            "id": f"fc_{turn.number}",
            "call_id": CALL_ID,
            "name": turn.tool,
            "arguments": json.dumps(ARGUMENTS),
            "status": status,
        }
    text: Json = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": f"msg_{turn.number}",
        "role": "assistant",
        "status": status,
        "content": [text],
    }


def _response(request: Json, status: str, output: list[Json], usage: Json | None) -> Json:
    return {
        "id": f"resp_{turn_of(request).number}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "metadata": request.get("metadata") or {},
        "model": served_model(request["model"]),
        "output": output,
        "parallel_tool_calls": True,
        "temperature": request.get("temperature", 1.0),
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools") or [],
        "top_p": 1.0,
        "usage": usage,
    }


def _usage(turn: Turn) -> Json:
    counts = turn.counts
    return {
        "input_tokens": counts.input,
        "input_tokens_details": {"cached_tokens": counts.cached},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }
