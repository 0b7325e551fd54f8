"""Bedrock's Converse in the stand-in provider."""

from __future__ import annotations

from tests.support.provider.turns import ARGUMENTS, CALL_ID, Json, Turn, next_turn


def answer(request: Json) -> Json:
    """Return the response of Converse: input is counted without the cached tokens."""
    turn = next_turn(_tools(request), _is_answered(request))
    return {
        "output": {"message": {"role": "assistant", "content": [_content(turn)]}},
        "stopReason": "tool_use" if turn.tool else "end_turn",
        "usage": {
            "inputTokens": turn.counts.input - turn.counts.cached,
            "outputTokens": turn.counts.output,
            "cacheReadInputTokens": turn.counts.cached,
            "cacheWriteInputTokens": 0,
            "totalTokens": turn.counts.input + turn.counts.output,
        },
        "metrics": {"latencyMs": 1},
    }


def _content(turn: Turn) -> Json:
    if turn.tool is None:
        return {"text": turn.text}
    return {"toolUse": {"toolUseId": CALL_ID, "name": turn.tool, "input": ARGUMENTS}}


def _tools(request: Json) -> list[str]:
    tools = request.get("toolConfig", {}).get("tools", [])
    return [tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool]


def _is_answered(request: Json) -> bool:
    return any("toolResult" in part for part in request["messages"][-1]["content"])
