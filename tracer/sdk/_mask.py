"""What must not leave the application is taken out of every text, in the exporting thread."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from tracer.sdk import _names as names
from tracer.sdk._config import Config
from tracer.sdk._spans import frozen
from tracer.sdk._values import to_json

MASKED: Final = "[masked]"
FAILED: Final = "[masking failed]"

_FIELDS: Final = {
    names.INPUT: "input",
    names.OUTPUT: "output",
    names.METADATA: "metadata",
    names.TRACE_INPUT: "input",
    names.TRACE_OUTPUT: "output",
    names.TRACE_METADATA: "metadata",
}
# Structure, not content: a pattern for long numbers must not eat the tokens.
_KEPT: Final = frozenset((names.KIND, names.LEVEL, names.USAGE, names.COST, names.FIRST_TOKEN))
# How the other instrumentations name what was said, for `capture_content=False`.
_CONTENT: Final = re.compile(
    r"(tracer\.(trace\.)?(input|output)|(input|output)\.(value|mime_type)"
    r"|llm\.(input_messages|output_messages|prompts|completions|tools|function_call)\b.*"
    r"|(retrieval|embedding|reranker|document)\..*(content|text|vector|documents|query)\b.*"
    r"|gen_ai\.(prompt|completion|input|output|system_instructions|tool)\b.*"
    r"|gen_ai\.(content|choice|message)\b.*|tool\.parameters|llm\.prompt_template\..*"
    r"|traceloop\.entity\.(input|output)|langfuse\.(observation|trace)\.(input|output)"
    r"|all_messages_events|events|ai\.(prompt|response)\b.*|request_data|response_data)"
)
_NOT_CONTENT: Final = re.compile(r"gen_ai\.(tool\.(name|type|call\.id)|output\.type)")


class Masks:
    """The settings' patterns and functions as one step; false where there is nothing to do."""

    def __init__(self, config: Config) -> None:
        given = config.mask
        masks = given if isinstance(given, (list, tuple)) else [given]
        self._patterns = [
            re.compile(mask) if isinstance(mask, str) else mask
            for mask in masks
            if isinstance(mask, (str, re.Pattern))
        ]
        self._functions: list[Callable[[str, Any], Any]] = [m for m in masks if callable(m)]
        self._content = config.capture_content
        self._limit = config.max_value_bytes

    def __bool__(self) -> bool:
        return bool(self._patterns or self._functions) or not self._content

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a copy of ``span`` that may be sent."""
        status = span.status
        if status.description:
            said = self._text("status_message", status.description)
            status = Status(status.status_code, said if isinstance(said, str) else FAILED)
        events = [
            Event(event.name, self._attributes(event.attributes or {}), event.timestamp)
            for event in span.events
            if self._content or not _is_content(event.name)
        ]
        attributes = self._attributes(span.attributes or {})
        return frozen(span, attributes=attributes, events=events, status=status)

    def _attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: value if key in _KEPT else self._text(key, value)
            for key, value in attributes.items()
            if self._content or not _is_content(key)
        }

    def _text(self, key: str, value: Any) -> Any:
        """Return an attribute's value masked; JSON text stays JSON text."""
        try:
            if not isinstance(value, str):
                return self._apply(key, value)
            decoded = json.loads(value) if key in _FIELDS else _decoded(value)
            if decoded is None:
                return self._apply(key, value)
            masked = self._apply(_FIELDS.get(key, key), decoded)
            return value if masked == decoded else to_json(masked, self._limit)
        except Exception:
            # Better nothing than what was to be hidden.
            return FAILED

    def _apply(self, field: str, value: Any) -> Any:
        for function in self._functions:
            value = function(field, value)
        return self._walk(value) if self._patterns else value

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._substituted(value)
        if isinstance(value, Mapping):
            # Names of entries may be what is to be hidden: addresses, for example.
            return {self._substituted(str(key)): self._walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._walk(item) for item in value]
        # A number of an account may be sent as a number.
        if type(value) in (int, float):
            masked = self._substituted(str(value))
            return value if masked == str(value) else masked
        return value

    def _substituted(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(MASKED, text)
        return text


def _is_content(name: str) -> bool:
    return bool(_CONTENT.fullmatch(name)) and not _NOT_CONTENT.fullmatch(name)


def _decoded(text: str) -> Any:
    """Return what JSON text holds; None: it is no JSON text, or a bare number."""
    if text[:1] not in ("{", "[", '"'):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
