"""A trace's forest with what the analyses share of it, each worked out once."""

from __future__ import annotations

from array import array
from functools import cached_property

from tracer.analysis.critical_path import CriticalPath
from tracer.analysis.forest import Forest
from tracer.analysis.subtree import Subtrees, self_times


class Whole:
    """What is known of a whole trace; each column is by the forest's positions."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest

    @cached_property
    def sums(self) -> Subtrees:
        """What the subtrees add up to."""
        return Subtrees(self.forest)

    @cached_property
    def alone(self) -> array[int]:
        """Time in which none of a span's children ran (µs)."""
        return self_times(self.forest)

    @cached_property
    def path(self) -> CriticalPath:
        """What lies on the critical path."""
        return CriticalPath(self.forest)
