"""The order of events for one object, as versions for the store.

Langfuse orders the events of an object: creates before updates, then by timestamp. Later values
override earlier ones, except in fields whose first value applies. The store keeps the value of the
highest version per field, in any order of arrival, so both rules are expressed as versions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

# Timestamps are below 2**53 microseconds.
_STEP: Final = 1 << 57


class Order(NamedTuple):
    """The position of an event among the events of its object."""

    micros: int
    update: bool

    def last(self) -> int:
        """Return the version of fields whose last value applies.

        The version of an update is its time, as for updates by other APIs.
        """
        return self.micros if self.update else self.micros - 8 * _STEP

    def first(self, *, assumed: bool = False) -> int:
        """Return the version of fields whose first value applies, sent ones before assumed."""
        return -self.micros - _STEP * (self.update + 2 * assumed)
