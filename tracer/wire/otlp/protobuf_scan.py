"""Just enough of the protobuf wire format to take a message apart without decoding its content."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from tracer.errors import Invalid, TooLarge

MAX_FIELDS: Final = 400_000
"""Fields of one span or resource, at all levels: to count one costs half a microsecond or more."""
MAX_MESSAGES: Final = 200_000
"""Messages in one message: each takes a hundred bytes of memory, and may be sent in two."""
LARGEST: Final = 5
"""As many spans or resources of this kind are read in one request."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def messages(body: bytes, number: int) -> list[bytes]:
    """Return the length-delimited values of field ``number``, undecoded, in order.

    Raises Invalid if ``body`` is no protobuf message or ends too early, and TooLarge for too many
    fields.
    """
    view = memoryview(body)
    return [bytes(value) for field, value in _fields(view, [MAX_MESSAGES]) if field == number]


class MessageCounter:
    """Counts the fields and messages in the large spans and resources of one request."""

    def __init__(self) -> None:
        self._fields = LARGEST * MAX_FIELDS
        self._messages = LARGEST * MAX_MESSAGES

    def check(self, body: bytes, descriptor: Any) -> None:
        """Count what is in a message of this type; raises TooLarge for more than is decoded."""
        fields, messages = [min(MAX_FIELDS, self._fields)], [min(MAX_MESSAGES, self._messages)]
        self._fields -= fields[0]
        self._messages -= messages[0]
        _count(memoryview(body), descriptor, fields, messages)
        self._fields += fields[0]
        self._messages += messages[0]


def _count(body: memoryview, descriptor: Any, fields: list[int], allowed: list[int]) -> None:
    inner = _inner(descriptor)
    for number, value in _fields(body, fields):
        if number in inner:
            allowed[0] -= 1
            if allowed[0] < 0:
                raise TooLarge(f"more than {MAX_MESSAGES} parts in one {descriptor.name}")
            if len(value) > 1:
                _count(value, inner[number], fields, allowed)


@cache
def _inner(descriptor: Any) -> dict[int, Any]:
    """Return the types of the fields that are messages, by number."""
    return {field.number: field.message_type for field in descriptor.fields if field.message_type}


def _fields(body: memoryview, allowed: list[int]) -> Iterator[tuple[int, memoryview]]:
    offset, size = 0, len(body)
    while offset < size:
        allowed[0] -= 1
        if allowed[0] < 0:
            raise TooLarge("too many fields in one message")
        # Most numbers have one byte, and a span's length two: these need no call.
        tag = body[offset]
        if tag < 0x80:
            offset += 1
        else:
            tag, offset = _varint(body, offset)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Invalid(f"the body is not valid protobuf: field number 0 at byte {offset - 1}")
        if kind == _LENGTH:
            if offset + 1 < size and body[offset + 1] < 0x80 <= body[offset]:
                length = body[offset] & 0x7F | body[offset + 1] << 7
                offset += 2
            else:
                length, offset = _varint(body, offset)
            end = offset + length
            if end > size:
                raise _ended(size, end)
            yield number, body[offset:end]
            offset = end
        elif kind == _VARINT:
            _, offset = _varint(body, offset)
        elif kind in (_FIXED64, _FIXED32):
            offset += 8 if kind == _FIXED64 else 4
        else:
            raise Invalid(f"the body is not valid protobuf: wire type {kind} is not in use")
    if offset > size:
        raise _ended(size, offset)


def _varint(body: memoryview, offset: int) -> tuple[int, int]:
    value = shift = 0
    while offset < len(body) and shift < 70:
        byte = body[offset]
        value |= (byte & 0x7F) << shift
        offset += 1
        if byte < 0x80:
            return value, offset
        shift += 7
    if shift >= 70:
        raise Invalid("the body is not valid protobuf: a number of more than ten bytes")
    raise _ended(len(body), offset + 1)


def _ended(length: int, wanted: int) -> Invalid:
    return Invalid(
        f"the protobuf body is truncated: a message of {length} bytes should have {wanted} or more"
    )
