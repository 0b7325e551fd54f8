"""What must not leave the application is taken out of every text, in the exporting thread."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from tracer.sdk import _names as names
from tracer.sdk._config import Config, MaskFunction
from tracer.sdk._spans import frozen
from tracer.sdk._values import to_json

MASKED: Final = "[masked]"
FAILED: Final = "[masking failed]"

_FIELD: Final = re.compile(r"tracer\.(?:trace\.)?(input|output|metadata)")
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
        masks: Any = given if isinstance(given, (list, tuple)) else [given] if given else []
        # Patterns come last, so that they see what functions return.
        masks = sorted(masks, key=callable, reverse=True)
        self._masks = [mask if callable(mask) else _pattern(mask) for mask in masks]
        self._config = config

    def __bool__(self) -> bool:
        return bool(self._masks) or not self._config.capture_content

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a copy of ``span`` that may be sent."""
        status = span.status
        if status.description:
            said = self._value("status_message", status.description)
            status = Status(status.status_code, str(said))
        events = [
            Event(event.name, self._attributes(event.attributes), event.timestamp)
            for event in span.events
            if self._config.capture_content or not _is_content(event.name)
        ]
        attributes = self._attributes(span.attributes)
        return frozen(span, attributes=attributes, events=events, status=status)

    def _attributes(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            key: value if key in _KEPT else self._value(key, value)
            for key, value in (attributes or {}).items()
            if self._config.capture_content or not _is_content(key)
        }

    def _value(self, key: str, value: Any) -> Any:
        """Return an attribute's value masked; JSON text stays JSON text."""
        try:
            field = _FIELD.fullmatch(key)
            decoded = masked = _decoded(value, always=field is not None)
            for mask in self._masks:
                masked = mask(field[1] if field else key, masked)
            # Decoded once more: a function may have changed in place what it was given.
            if masked == _decoded(value, always=field is not None):
                return value
            return masked if decoded is value else to_json(masked, self._config.max_value_bytes)
        except Exception:
            # Better nothing than what was to be hidden.
            return FAILED


def _decoded(value: Any, always: bool) -> Any:
    """Return what JSON text holds; a bare number is JSON text only where there is ``always``."""
    if isinstance(value, str) and (always or value[:1] in ("{", "[", '"')):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _pattern(pattern: str | re.Pattern[str]) -> MaskFunction:
    """Return the function that replaces what ``pattern`` finds, wherever in a value it stands."""
    replace = partial(re.compile(pattern).sub, MASKED)

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return replace(value)
        if isinstance(value, Mapping):
            # Names of entries may be what is to be hidden: addresses, for example.
            return {replace(str(key)): walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(item) for item in value]
        # A number of an account may be sent as a number.
        if type(value) in (int, float) and (masked := replace(str(value))) != str(value):
            return masked
        return value

    return lambda field, value: walk(value)


def _is_content(name: str) -> bool:
    return bool(_CONTENT.fullmatch(name)) and not _NOT_CONTENT.fullmatch(name)
