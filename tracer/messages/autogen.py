"""Messages and events of AutoGen, which have their sender as `source` and their kind as `type`."""

from __future__ import annotations

from typing import Final

from tracer.records import Json

_TYPE_ENDINGS: Final = ("Message", "Event")
_CALLS: Final = ("ToolCallRequestEvent", "AssistantMessage")
_RESULTS: Final = ("ToolCallExecutionEvent", "FunctionExecutionResultMessage")
_THOUGHT: Final = "ThoughtEvent"
_MULTIMODAL: Final = "MultiModalMessage"


def autogen_message(item: dict[str, Json]) -> dict[str, Json] | None:
    """Return an item of AutoGen as a message with a role; None: not an item of AutoGen."""
    type_name, source = item.get("type"), item.get("source")
    if (
        not isinstance(type_name, str)
        or not type_name.endswith(_TYPE_ENDINGS)
        or "content" not in item
    ):
        return None
    if type_name not in _RESULTS and not isinstance(source, str):
        return None
    content = item["content"]
    message: dict[str, Json] = {"role": _role(type_name, source), "content": content}
    if isinstance(source, str) and source != message["role"]:
        message["name"] = source
    if isinstance(thought := item.get("thought"), str):
        message["reasoning"] = thought
    if type_name == _THOUGHT:
        message |= {"reasoning": content, "content": None}
    if type_name == _MULTIMODAL and isinstance(content, list):
        message["content"] = [_image(part) for part in content]
    if isinstance(content, list) and type_name in _CALLS:
        message |= {"tool_calls": content, "content": None}
    if isinstance(content, list) and type_name in _RESULTS:
        results = [result for result in content if isinstance(result, dict)]
        message["content"] = [{**result, "type": "tool_result"} for result in results]
    return message


def _image(part: Json) -> Json:
    """Return a part with the type image, which AutoGen does not send."""
    return {"type": "image", **part} if isinstance(part, dict) and "data" in part else part


def _role(type_name: str, source: Json) -> str:
    if type_name in _RESULTS:
        return "tool"
    return "user" if source == "user" or type_name == "UserMessage" else "assistant"
