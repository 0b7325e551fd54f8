"""Reads calls of tools and their results, from any API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracer.messages.part import Part, decoded, first, inlined, snake, string
from tracer.records import Json

TOOL_CALLS: Final = (
    "tool_call",
    "tool_use",
    "server_tool_use",
    "server_tool_call",
    "mcp_tool_use",
    "function",
    "function_call",
    "custom_tool_call",
    "functionCall",
    "toolUse",
    "toolCall",
    "tool-call",
    "tool_call_chunk",
)
"""API names of parts that call a tool."""

_APPROVALS: Final = ("mcp_approval_response", "tool_approval_response")
_RESULTS: Final = (
    "tool_result",
    "tool_return",
    "tool_response",
    "tool_call_result",
    "tool_call_response",
    "server_tool_result",
    "server_tool_call_response",
    "function_response",
    "code_execution_result",
    "builtin_tool_return",
    *_APPROVALS,
)
_TYPE_OF_API_NAME: Final = {
    **{snake(api_name): "tool_call" for api_name in TOOL_CALLS},
    **dict.fromkeys(("executable_code", "mcp_approval_request"), "tool_call"),
    **dict.fromkeys(_RESULTS, "tool_result"),
}

_WRAPPERS: Final = (
    "function",
    "function_call",
    "function_response",
    "tool_use",
    "tool_result",
    "tool_call",
    "tool_call_result",
    "origin",
    "executable_code",
    "code_execution_result",
)
"""Objects of a part that contain its fields."""
_CALL_IDS: Final = (
    "call_id",
    "toolCallId",
    "tool_call_id",
    "toolUseId",
    "tool_use_id",
    "approval_request_id",
    "approval_id",
    "approvalId",
    "id",
)
_NAMES: Final = ("name", "toolName", "tool_name")
_ARGUMENTS: Final = (
    "arguments",
    "args",
    "input",
    "parameters",
    "action",
    "queries",
    "operation",
    "code",
    "tool_kwargs",
    "server_tool_call",
)
_RESULT_VALUES: Final = (
    "response",
    "result",
    "output",
    "content",
    "return_value",
    "outcome",
    "server_tool_call_response",
)
_OUTPUTS: Final = ("output", "outputs", "results", "result", "error")
"""Keys of the result in a call of a built-in tool, which the API ran itself."""

ReadParts = Callable[[Json], list[Part]]


def tool_kind(api_name: str) -> str | None:
    """Return tool_call or tool_result for an API name in snake case; None: neither."""
    kind = _TYPE_OF_API_NAME.get(api_name)
    if kind is None:
        # APIs have a type for each built-in tool: web_search_call, shell_call_output …
        if api_name.endswith("_call"):
            return "tool_call"
        if api_name.endswith(("_call_output", "_tool_result")):
            return "tool_result"
    return kind


def is_page_call(item: dict[str, Json]) -> bool:
    """Return whether a part is a call in the AI SDK's UI messages, which include the result."""
    api_name = item.get("type")
    return (
        isinstance(api_name, str)
        and (api_name.startswith("tool-") or api_name == "dynamic-tool")
        and "toolCallId" in item
        and snake(api_name) not in _TYPE_OF_API_NAME
    )


def page_call_parts(item: dict[str, Json], read_parts: ReadParts) -> list[Part]:
    """Return the call, and its result once there is one; the part's type names the tool."""
    call = Part(
        type="tool_call",
        id=string(item, "toolCallId"),
        name=string(item, "toolName") or str(item["type"]).removeprefix("tool-"),
        data=decoded(first(item, "input", "rawInput", "args")),
    )
    output = first(item, "output", "errorText", "result")
    if output is None:
        return [call]
    return [call, result_part({"id": call.id, "name": call.name, "output": output}, read_parts)]


def call_parts(item: dict[str, Json], read_parts: ReadParts) -> list[Part]:
    """Return a call, and its result if the API ran the tool and sends both together."""
    flat = inlined(item, *_WRAPPERS)
    api_name = item.get("type")
    is_builtin = (
        isinstance(api_name, str)
        and snake(api_name) not in _TYPE_OF_API_NAME
        and snake(api_name).endswith("_call")
    )
    call = Part(
        type="tool_call",
        id=string(flat, *_CALL_IDS),
        name=string(flat, *_NAMES)
        or (snake(str(api_name)).removesuffix("_call") if is_builtin else None),
        data=decoded(first(flat, *_ARGUMENTS)),
    )
    if call.name is None and "language" in flat:
        call.name = "code_execution"
    output = first(item, *_OUTPUTS) if is_builtin else None
    if output in (None, [], ""):
        return [call]
    kind = "b64_json" if call.name == "image_generation" and isinstance(output, str) else "output"
    return [call, result_part({"id": call.id, "name": call.name, kind: output}, read_parts)]


def result_part(item: dict[str, Json], read_parts: ReadParts) -> Part:
    """Return the result of a call: as text, as parts if it has media, else as data."""
    flat = inlined(item, *_WRAPPERS)
    part = Part(
        type="tool_result",
        id=string(flat, *_CALL_IDS),
        name=string(flat, *_NAMES),
    )
    if "b64_json" in item:
        part.parts = read_parts([{"type": "image", "b64_json": item["b64_json"]}])
        return part
    if snake(str(item.get("type"))) in _APPROVALS:
        names = ("approve", "approved", "reason")
        part.data = {name: item[name] for name in names if item.get(name) is not None}
        return part
    _set_result(part, _value(flat), read_parts)
    return part


def _value(flat: dict[str, Json]) -> Json:
    value = decoded(first(flat, *_RESULT_VALUES))
    if isinstance(value, dict) and value.keys() == {"type", "value"}:
        # The AI SDK wraps an output with its type: text, JSON or an error.
        return value["value"]
    if isinstance(value, dict) and isinstance(value.get("content"), list) and _is_mcp(value):
        return value["content"]
    return value


def _is_mcp(value: dict[str, Json]) -> bool:
    """Return whether an object is a response of an MCP server, which wraps parts."""
    return not value.keys() - {"content", "isError", "is_error", "structuredContent", "_meta"}


def _set_result(part: Part, value: Json, read_parts: ReadParts) -> None:
    if isinstance(value, str):
        part.text = value
        return
    part.data = value
    parts = read_parts(value) if _may_hold_parts(value) else []
    kinds = {piece.type for piece in parts}
    if kinds == {"text"}:
        part.text, part.data = "\n".join(piece.text or "" for piece in parts), None
    elif kinds & {"image", "audio", "file"}:
        part.parts, part.data = parts, None
    elif isinstance(value, list) and len(value) == 1 and _is_wrapped_json(value[0]):
        part.data = value[0]["json"]


def _may_hold_parts(value: Json) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and "type" in value)


def _is_wrapped_json(item: Json) -> bool:
    """Return whether an item is Bedrock's ``{"json": …}``."""
    return isinstance(item, dict) and item.keys() == {"json"}
