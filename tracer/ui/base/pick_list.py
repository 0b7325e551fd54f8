"""A pick list of a form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PickList:
    """A pick list of a form of filters."""

    field: str
    any: str
    """The label of the empty option."""
    options: list[tuple[str, str]]
    """Pairs of value and label."""
    chosen: str
