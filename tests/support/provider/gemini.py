"""Gemini's generateContent, as the provider sends it: candidate tokens exclude the thoughts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.turns import ARGUMENTS, Counts, Json, Turn, next_turn


def turn_of(request: Json) -> Turn:
    """Return the turn that the request gets."""
    tools = [
        function["name"]
        for tool in request.get("tools") or []
        for function in tool.get("functionDeclarations") or []
    ]
    parts = [part for content in request["contents"] for part in content["parts"]]
    return next_turn(tools, any("functionResponse" in part for part in parts))


def answer(request: Json) -> Json:
    """Return a whole response."""
    turn = turn_of(request)
    part = _call(turn.tool) if turn.tool else {"text": turn.text}
    return _response(request, part, "STOP", usage(turn.counts))


def stream(request: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield responses with one piece each; the last one has the finish reason and the counts."""
    turn = turn_of(request)
    pieces = [_call(turn.tool)] if turn.tool else [{"text": piece} for piece in turn.pieces()]
    for piece in pieces[:-1]:
        yield None, _response(request, piece, None, None)
    yield None, _response(request, pieces[-1], "STOP", usage(turn.counts))


def usage(counts: Counts) -> Json:
    """Return the counts under the names of the Gemini API."""
    return {
        "promptTokenCount": counts.input,
        "cachedContentTokenCount": counts.cached,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "thoughtsTokenCount": counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
    }


def _call(tool: str) -> Json:
    return {"functionCall": {"name": tool, "args": ARGUMENTS}}


def _response(request: Json, part: Json, reason: str | None, counts: Json | None) -> Json:
    candidate: Json = {"index": 0, "content": {"role": "model", "parts": [part]}}
    if reason:
        candidate["finishReason"] = reason
    response: Json = {
        "candidates": [candidate],
        "modelVersion": request["model"],
        "responseId": f"resp_{turn_of(request).number}",
    }
    return {**response, "usageMetadata": counts} if counts else response
