"""Joins the raw chunks of a streamed response, which some applications record as received.

Chunks have another form in each API; all items of a list must have the form of one API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.records import Json

Item = dict[str, Any]

_SSE: Final = "data:"
_DONE: Final = "[DONE]"
_ANTHROPIC: Final = frozenset(
    (
        *("message_start", "message_delta", "message_stop", "ping"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    )
)
_BEDROCK: Final = frozenset(
    (
        *("messageStart", "messageStop", "metadata"),
        *("contentBlockStart", "contentBlockDelta", "contentBlockStop"),
    )
)
_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")


def join_chunks(items: list[Json]) -> Json:
    """Return the response that a list of chunks makes, in the form of its API; None: no chunks."""
    chunks = [item for item in items if isinstance(item, dict)]
    if len(chunks) < len(items) or not chunks:
        return None
    for fits, join in _FORMS:
        if all(map(fits, chunks)):
            return join(chunks)
    return None


def sse_events(text: str) -> list[Json] | None:
    """Return the data of server-sent events; None: the text has another format."""
    if not text.lstrip().startswith((_SSE, "event:")):
        return None
    lines = (line.removeprefix(_SSE).strip() for line in text.splitlines() if line[:5] == _SSE)
    try:
        return [exact_json.decode(line) for line in lines if line and line != _DONE]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _is_openai(chunk: Item) -> bool:
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        return False
    # The last chunk has the usage and no choice.
    return all(isinstance(choice, dict) and "delta" in choice for choice in choices) and (
        bool(choices) or chunk.get("object") == "chat.completion.chunk"
    )


def _join_openai(chunks: Iterable[Item]) -> Json:
    messages: dict[int, Item] = {}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        message = messages.setdefault(_index(choice), {"role": "assistant"})
        delta = choice["delta"] if isinstance(choice["delta"], dict) else {}
        for name in _TEXTS:
            _append(message, name, delta.get(name))
        for call in _objects(delta.get("tool_calls")):
            _add_call(message.setdefault("tool_calls", {}), call)
        if reason := choice.get("finish_reason"):
            message["finish_reason"] = reason
    for message in messages.values():
        if "tool_calls" in message:
            message["tool_calls"] = list(message["tool_calls"].values())
    return list(messages.values())


def _add_call(calls: dict[int, Item], call: Item) -> None:
    joined = calls.setdefault(_index(call), {"type": "function", "function": {}})
    if call.get("id"):
        joined["id"] = call["id"]
    sent = call.get("function")
    for name in ("name", "arguments"):
        _append(joined["function"], name, sent.get(name) if isinstance(sent, dict) else None)


def _is_anthropic(chunk: Item) -> bool:
    return chunk.get("type") in _ANTHROPIC


def _join_anthropic(chunks: Iterable[Item]) -> Json:
    answer: Item = {"role": "assistant"}
    blocks: dict[int, Item] = {}
    for chunk in chunks:
        block, delta = chunk.get("content_block"), chunk.get("delta")
        if isinstance(block, dict):
            # The input of a call is sent as pieces of JSON text.
            blocks[_index(chunk)] = {**block, "input": ""} if "input" in block else dict(block)
        if not isinstance(delta, dict):
            continue
        if chunk["type"] == "message_delta":
            answer["stop_reason"] = delta.get("stop_reason")
            continue
        joined = blocks.setdefault(_index(chunk), {"type": "text"})
        _append(joined, "text", delta.get("text"))
        _append(joined, "thinking", delta.get("thinking"))
        _append(joined, "input", delta.get("partial_json"))
    return {**answer, "content": list(blocks.values())}


def _is_response(chunk: Item) -> bool:
    return str(chunk.get("type")).startswith(("response.", "keepalive"))


def _join_response(chunks: list[Item]) -> Json:
    for chunk in reversed(chunks):
        response = chunk.get("response")
        if isinstance(response, dict) and response.get("output"):
            return response
    done = [chunk["item"] for chunk in chunks if chunk["type"] == "response.output_item.done"]
    if done:
        return {"output": done}
    text = "".join(
        str(chunk.get("delta", ""))
        for chunk in chunks
        if chunk["type"] == "response.output_text.delta"
    )
    return {"role": "assistant", "content": text} if text else None


def _is_gemini(chunk: Item) -> bool:
    return isinstance(chunk.get("candidates"), list)


def _join_gemini(chunks: Iterable[Item]) -> Json:
    parts: list[Item] = []
    answer: Item = {"role": "model", "parts": parts}
    for candidate in (each for chunk in chunks for each in _objects(chunk["candidates"])):
        content = candidate.get("content")
        for part in _objects(content.get("parts") if isinstance(content, dict) else None):
            last = parts[-1] if parts else {}
            alike = "text" in last and "text" in part and last.get("thought") == part.get("thought")
            if alike:
                last["text"] = f"{last['text']}{part['text']}"
            else:
                parts.append(dict(part))
        if reason := candidate.get("finishReason") or candidate.get("finish_reason"):
            answer["finish_reason"] = reason
    return answer


def _is_ollama(chunk: Item) -> bool:
    return isinstance(chunk.get("message"), dict) and isinstance(chunk.get("done"), bool)


def _join_ollama(chunks: list[Item]) -> Json:
    answer: Item = {"role": "assistant"}
    for chunk in chunks:
        message = chunk["message"]
        _append(answer, "content", message.get("content"))
        _append(answer, "thinking", message.get("thinking"))
        if message.get("tool_calls"):
            answer["tool_calls"] = [*answer.get("tool_calls", []), *message["tool_calls"]]
    return {**answer, "done_reason": chunks[-1].get("done_reason")}


def _is_bedrock(chunk: Item) -> bool:
    return bool(chunk) and chunk.keys() <= _BEDROCK


def _join_bedrock(chunks: Iterable[Item]) -> Json:
    answer: Item = {"role": "assistant"}
    blocks: dict[int, Item] = {}
    for name, event in ((name, event) for chunk in chunks for name, event in chunk.items()):
        if not isinstance(event, dict):
            continue
        block = blocks.setdefault(_index(event), {}) if name.startswith("contentBlock") else {}
        start, delta = event.get("start"), event.get("delta")
        if isinstance(start, dict) and isinstance(start.get("toolUse"), dict):
            block["toolUse"] = {**start["toolUse"], "input": ""}
        if isinstance(delta, dict):
            _append(block, "text", delta.get("text"))
            use = delta.get("toolUse")
            _append(block.get("toolUse", {}), "input", use.get("input") if use else None)
            thought = delta.get("reasoningContent")
            if isinstance(thought, dict) and thought.get("text"):
                inner = block.setdefault("reasoningContent", {"reasoningText": {}})
                _append(inner["reasoningText"], "text", thought["text"])
        if name == "messageStop":
            answer["stopReason"] = event.get("stopReason")
    return {**answer, "content": [block for block in blocks.values() if block]}


def _is_langchain(chunk: Item) -> bool:
    return chunk.get("type") == "AIMessageChunk" and isinstance(chunk.get("content"), str)


def _join_langchain(chunks: Iterable[Item]) -> Json:
    answer: Item = {"role": "assistant", "content": "", "tool_calls": []}
    calls: dict[int, Item] = {}
    for chunk in chunks:
        answer["content"] += chunk["content"]
        for call in _objects(chunk.get("tool_call_chunks")):
            _add_call(
                calls,
                {**call, "function": {"name": call.get("name"), "arguments": call.get("args")}},
            )
    return {**answer, "tool_calls": list(calls.values())}


def _append(target: Item, name: str, text: Json) -> None:
    if isinstance(text, str) and text:
        target[name] = f"{target.get(name) or ''}{text}"


def _objects(value: Json) -> list[Item]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _index(item: Item) -> int:
    index = item.get("index", item.get("contentBlockIndex", 0))
    return index if isinstance(index, int) else 0


_FORMS: Final[tuple[tuple[Callable[[Item], bool], Callable[[list[Item]], Json]], ...]] = (
    (_is_openai, _join_openai),
    (_is_anthropic, _join_anthropic),
    (_is_response, _join_response),
    (_is_gemini, _join_gemini),
    (_is_ollama, _join_ollama),
    (_is_bedrock, _join_bedrock),
    (_is_langchain, _join_langchain),
)
