"""Just enough of the protobuf wire format to take a message apart without decoding its content."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.errors import Invalid

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def messages(body: bytes, number: int) -> list[bytes]:
    """Return the length-delimited values of field ``number``, undecoded, in order.

    Raises Invalid where ``body`` is no protobuf message or ends too early.
    """
    return [value for field, value in _fields(memoryview(body)) if field == number]


def _fields(body: memoryview) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(body):
        tag, offset = _varint(body, offset)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Invalid(f"the body is not valid protobuf: field number 0 at byte {offset - 1}")
        if kind == _LENGTH:
            length, offset = _varint(body, offset)
            end = offset + length
            if end > len(body):
                raise _ended(len(body), end)
            yield number, bytes(body[offset:end])
            offset = end
        elif kind == _VARINT:
            _, offset = _varint(body, offset)
        elif kind in (_FIXED64, _FIXED32):
            offset += 8 if kind == _FIXED64 else 4
        else:
            raise Invalid(f"the body is not valid protobuf: wire type {kind} is not in use")
    if offset > len(body):
        raise _ended(len(body), offset)


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
