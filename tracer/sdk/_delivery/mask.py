"""Masks: private text is removed from spans in the exporting thread, before they are encoded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from tracer.sdk import _fields as fields
from tracer.sdk._config import Config, MaskFunction
from tracer.sdk._context import unrecorded
from tracer.sdk._spans import snapshot
from tracer.sdk._values import to_json

MASKED: Final = "[masked]"
FAILED: Final = "[masking failed]"

_FIELD: Final = re.compile(r"tracer\.(?:trace\.)?(input|output|metadata)")
# Structure, not content: a pattern for long numbers must not hide a count of tokens.
_UNMASKED: Final = frozenset(
    (fields.KIND, fields.LEVEL, fields.USAGE, fields.COST, fields.FIRST_TOKEN)
)
# The attributes in which other instrumentations store content, for `capture_content=False`.
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
    """The patterns and functions of the settings, applied in order; false where there are none."""

    def __init__(self, config: Config) -> None:
        setting = config.mask
        masks: Any = setting if isinstance(setting, (list, tuple)) else [setting] if setting else []
        # Patterns come last, so that they see what functions return.
        masks = sorted(masks, key=callable, reverse=True)
        self._masks = [mask if callable(mask) else _pattern(mask) for mask in masks]
        self._config = config

    def __bool__(self) -> bool:
        return bool(self._masks) or not self._config.capture_content

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a copy of ``span`` that may be sent."""
        # A mask that records spans would be applied to these in turn, without end.
        with unrecorded():
            status = span.status
            if status.description:
                description = self._value("status_message", status.description)
                status = Status(status.status_code, str(description))
            events = [
                Event(event.name, self._attributes(event.attributes), event.timestamp)
                for event in span.events
                if self._config.capture_content or not _is_content(event.name)
            ]
            attributes = self._attributes(span.attributes)
        return snapshot(span, attributes=attributes, events=events, status=status)

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            key: value if key in _UNMASKED else self._value(key, value)
            for key, value in (attributes or {}).items()
            if self._config.capture_content or not _is_content(key)
        }

    def _value(self, key: str, value: Any) -> Any:
        """Return the masked value of an attribute; JSON text stays JSON text."""
        try:
            field = _FIELD.fullmatch(key)
            decoded = masked = _decoded(value, always=field is not None)
            for mask in self._masks:
                masked = mask(field[1] if field else key, masked)
            # Decoded again, as a function may have changed the first result in place.
            if masked == _decoded(value, always=field is not None):
                return value
            return masked if decoded is value else to_json(masked, self._config.max_value_bytes)
        except Exception:
            # A failing mask must not let through what it was meant to hide.
            return FAILED


def _decoded(value: Any, always: bool) -> Any:
    """Return the value of JSON text; without ``always``, text of a bare number is no JSON text."""
    if isinstance(value, str) and (always or value[:1] in ("{", "[", '"')):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _pattern(pattern: str | re.Pattern[str]) -> MaskFunction:
    """Return a function that replaces the matches of ``pattern`` anywhere in a value."""
    replace = partial(re.compile(pattern).sub, MASKED)

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return replace(value)
        if isinstance(value, Mapping):
            # Keys may be private, too: e-mail addresses, for example.
            return {replace(str(key)): walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(item) for item in value]
        # An account number may be sent as a number.
        if type(value) in (int, float) and (masked := replace(str(value))) != str(value):
            return masked
        return value

    return lambda _field, value: walk(value)


def _is_content(name: str) -> bool:
    return bool(_CONTENT.fullmatch(name)) and not _NOT_CONTENT.fullmatch(name)
