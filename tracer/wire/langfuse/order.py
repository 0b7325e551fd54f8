"""Which of several events about one thing has the last word, told to the store as versions.

Langfuse takes the events of one thing in order: creates before updates, then by timestamp. Later
ones overwrite, but for some fields of which the first word stays. The store keeps for each field
what has the highest version, in whatever order things arrive; so both rules are versions here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

# Timestamps are below 2**53 microseconds.
_STEP: Final = 1 << 57


class Order(NamedTuple):
    """An event's place among those of its thing."""

    micros: int
    update: bool

    def last(self) -> int:
        """Return the version of fields of which the last word stays.

        That of an update is its time, as an update by any other API has it.
        """
        return self.micros if self.update else self.micros - 8 * _STEP

    def first(self, *, assumed: bool = False) -> int:
        """Return the version of fields of which the first word stays, said ones before assumed."""
        return -self.micros - _STEP * (self.update + 2 * assumed)
