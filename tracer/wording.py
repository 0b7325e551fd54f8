"""Wording of texts for people: on pages, in files, in findings."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return ``1 span`` or ``5,056 spans``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
