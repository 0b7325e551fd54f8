"""Reads the messages of inputs that repeat those of earlier spans: each of them is read once."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
from tracer.messages.message import read_item
from tracer.records import Json

_MAX_BYTES: Final = 16_000_000
"""Bytes of elements that are kept."""
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])


class MessageReader:
    """Reads values of one trace; elements of lists with the same text become the same object."""

    def __init__(self) -> None:
        self._values: dict[bytes, Json] = {}
        self._bytes = 0
        self._messages: dict[tuple[int, str], tuple[Json, list[Message]]] = {}
        """By the id of an element, which is kept so that no other object gets its id."""

    def value(self, text: msgspec.Raw) -> Json:
        """Return the value of a JSON text."""
        raw = bytes(text)
        if not raw.startswith(b"["):
            return exact_json.decode(raw)
        return [self._element(bytes(element)) for element in _elements.decode(raw)]

    def messages(self, value: Json, *, output: bool) -> list[Message] | None:
        """Return the messages of a value; None: it has none."""
        return read_messages(value, output=output, read=self._read)

    def _element(self, raw: bytes) -> Json:
        if raw not in self._values:
            if self._bytes > _MAX_BYTES:
                self._values, self._messages, self._bytes = {}, {}, 0
            self._values[raw] = exact_json.decode(raw)
            self._bytes += len(raw)
        return self._values[raw]

    def _read(self, item: Json, default: str) -> list[Message]:
        if not isinstance(item, dict):
            return read_item(item, default)
        key = id(item), default
        if key not in self._messages:
            self._messages[key] = item, read_item(item, default)
        return self._messages[key][1]
