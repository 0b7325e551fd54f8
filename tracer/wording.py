"""Words of texts that people read, wherever they are made: pages, files, findings."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """Return ``1 span`` or ``5,056 spans``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
