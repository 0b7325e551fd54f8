"""Random ids of traces and spans, from the operating system."""

from __future__ import annotations

import os
import struct
from time import time_ns
from typing import Final

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

_BLOCK: Final = 256
_UNPACK: Final = struct.Struct(f"{_BLOCK}Q").unpack
_MAX_AGE_NANOSECONDS: Final = 1_000_000_000


class SystemIds(IdGenerator):
    """Random ids from the operating system.

    Python's generator may repeat numbers: programs seed it, and a fork or a restored snapshot of
    the process copies its state. Numbers are fetched in blocks, as each system call costs time;
    a block is discarded in another process, and when it is a second old.
    """

    def __init__(self) -> None:
        self._block: tuple[int, int, list[int]] = (0, 0, [])

    def generate_span_id(self) -> int:
        return self.number(os.getpid(), time_ns())

    def generate_trace_id(self) -> int:
        return self.trace_id(os.getpid(), time_ns())

    def trace_id(self, process: int, now: int) -> int:
        """Return 128 random bits, like ``number``."""
        return self.number(process, now) << 64 | self.number(process, now)

    def number(self, process: int, now: int) -> int:
        """Return 64 random bits, not all zero; arguments are this process and the present time."""
        owner, fetched, numbers = self._block
        if owner != process or now - fetched > _MAX_AGE_NANOSECONDS or not numbers:
            numbers = list(_UNPACK(os.urandom(8 * _BLOCK)))
            self._block = process, now, numbers
        try:
            # All zero means no id.
            return numbers.pop() or 1
        except IndexError:
            # Another thread took the last number.
            return self.number(process, now)


SYSTEM_IDS: Final = SystemIds()


def custom_id_generator(generator: IdGenerator) -> IdGenerator | None:
    """Return a provider's generator unless its ids are plain random numbers; None for these.

    OpenTelemetry's default generator takes Python's `random`.
    """
    return None if type(generator) in (RandomIdGenerator, SystemIds) else generator
