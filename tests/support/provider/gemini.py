"""Gemini's generateContent, as the provider answers it: thoughts stand beside the candidates."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.provider.turns import ARGUMENTS, Counts, Json, Turn, next_turn


def turn_of(asked: Json) -> Turn:
    """Return the turn that the request gets."""
    tools = [
        function["name"]
        for tool in asked.get("tools") or []
        for function in tool.get("functionDeclarations") or []
    ]
    parts = [part for content in asked["contents"] for part in content["parts"]]
    return next_turn(tools, any("functionResponse" in part for part in parts))


def answer(asked: Json) -> Json:
    """Return a whole response."""
    turn = turn_of(asked)
    part = _call(turn.tool) if turn.tool else {"text": turn.text}
    return _response(asked, part, "STOP", usage(turn.counts))


def stream(asked: Json) -> Iterator[tuple[str | None, Json | str]]:
    """Yield responses that hold a piece each; the last one tells the end and the counts."""
    turn = turn_of(asked)
    pieces = [_call(turn.tool)] if turn.tool else [{"text": piece} for piece in turn.pieces()]
    for piece in pieces[:-1]:
        yield None, _response(asked, piece, None, None)
    yield None, _response(asked, pieces[-1], "STOP", usage(turn.counts))


def usage(counts: Counts) -> Json:
    """Return the counts in the words of the Gemini API."""
    return {
        "promptTokenCount": counts.input,
        "cachedContentTokenCount": counts.cached,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "thoughtsTokenCount": counts.reasoning,
        "totalTokenCount": counts.input + counts.output,
    }


def _call(tool: str) -> Json:
    return {"functionCall": {"name": tool, "args": ARGUMENTS}}


def _response(asked: Json, part: Json, reason: str | None, counts: Json | None) -> Json:
    candidate: Json = {"index": 0, "content": {"role": "model", "parts": [part]}}
    if reason:
        candidate["finishReason"] = reason
    said: Json = {
        "candidates": [candidate],
        "modelVersion": asked["model"],
        "responseId": f"resp_{turn_of(asked).number}",
    }
    return {**said, "usageMetadata": counts} if counts else said
