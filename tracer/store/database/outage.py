"""The reason why the embedded database is down: set by the parent process, read by its workers."""

from __future__ import annotations

from ctypes import c_char
from multiprocessing.sharedctypes import RawArray
from typing import Final

_MAX_BYTES: Final = 400
# Made when this module is imported, before the workers are forked, which share it.
_reason: Final = RawArray(c_char, _MAX_BYTES)


def set_outage(reason: str) -> None:
    """Set the reason why the database is not running; empty: it is running."""
    _reason.value = reason.encode()[: _MAX_BYTES - 1]


def outage() -> str:
    """Return why the database is not running; empty: it is, or the reason is unknown."""
    return bytes(_reason.value).decode(errors="ignore")
