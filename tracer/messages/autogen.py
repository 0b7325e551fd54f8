"""Messages and events of AutoGen, which have their sender as `source` and their kind as `type`."""

from __future__ import annotations

from typing import Final

from tracer.records import Json

_ENDINGS: Final = ("Message", "Event")
_CALLS: Final = ("ToolCallRequestEvent", "AssistantMessage")
_RESULTS: Final = ("ToolCallExecutionEvent", "FunctionExecutionResultMessage")
_THOUGHT: Final = "ThoughtEvent"
_MIXED: Final = "MultiModalMessage"


def as_message(item: dict[str, Json]) -> dict[str, Json] | None:
    """Return an item of AutoGen as a message with a role; None: the item is none of AutoGen's."""
    word, source = item.get("type"), item.get("source")
    if not isinstance(word, str) or not word.endswith(_ENDINGS) or "content" not in item:
        return None
    if word not in _RESULTS and not isinstance(source, str):
        return None
    content = item["content"]
    message: dict[str, Json] = {"role": _role(word, source), "content": content}
    if isinstance(source, str) and source != message["role"]:
        message["name"] = source
    if isinstance(thought := item.get("thought"), str):
        message["reasoning"] = thought
    if word == _THOUGHT:
        message |= {"reasoning": content, "content": None}
    if word == _MIXED and isinstance(content, list):
        message["content"] = [_image(part) for part in content]
    if isinstance(content, list) and word in _CALLS:
        message |= {"tool_calls": content, "content": None}
    if isinstance(content, list) and word in _RESULTS:
        results = [result for result in content if isinstance(result, dict)]
        message["content"] = [{**result, "type": "tool_result"} for result in results]
    return message


def _image(part: Json) -> Json:
    """Return an image, of which AutoGen sends the content alone, with its type."""
    return {"type": "image", **part} if isinstance(part, dict) and "data" in part else part


def _role(word: str, source: Json) -> str:
    if word in _RESULTS:
        return "tool"
    return "user" if source == "user" or word == "UserMessage" else "assistant"
