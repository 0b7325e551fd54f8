"""The drop-down lists of filter forms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PickList:
    """A drop-down list of a filter form."""

    field: str
    any: str
    """The label of the empty option."""
    options: list[tuple[str, str]]
    """Pairs of value and label."""
    chosen: str
