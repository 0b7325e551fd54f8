"""A measured figure with its target, and the sizes of a benchmark run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Figure:
    """A line of the table, with a lower or upper limit as its target, or without a target."""

    name: str
    title: str
    value: float
    unit: str
    minimum: float | None = None
    maximum: float | None = None

    @property
    def ok(self) -> bool | None:
        """True if the target is met; None: there is no target."""
        if self.minimum is not None:
            return self.value >= self.minimum
        return None if self.maximum is None else self.value <= self.maximum

    @property
    def target(self) -> str:
        """The target as the table shows it."""
        if self.minimum is not None:
            return f"≥ {number(self.minimum)}"
        return "" if self.maximum is None else f"≤ {number(self.maximum)}"


@dataclass(frozen=True)
class Sizes:
    """The sizes of a benchmark run: numbers of spans, requests and rounds, and durations."""

    starts: int = 3
    settle_seconds: float = 3.0
    """Wait after the first response of a server, until its start has finished."""
    warm_seconds: float = 3.0
    rounds: int = 3
    load_seconds: float = 6.0
    copy_spans: int = 50_000
    large_trace: int = 200_000
    tree_spans: int = 1_000_000
    page_requests: int = 200
    mapping_rounds: int = 101
    sdk_calls: int = 5_000
    sdk_offline: int = 1_000_000
    sdk_imports: int = 7
    sdk_peer: bool = True
    """Compare with Langfuse's SDK, which is installed for that."""
    export_spans: int = 1_000_000
    agent_share: float = 1.0
    """Of the conversations of agents and chats."""


QUICK: Final = Sizes(
    starts=1,
    settle_seconds=0.0,
    warm_seconds=0.2,
    rounds=1,
    load_seconds=0.5,
    copy_spans=1_000,
    large_trace=2_000,
    tree_spans=3_000,
    page_requests=5,
    mapping_rounds=3,
    sdk_calls=100,
    sdk_offline=2_000,
    sdk_imports=1,
    sdk_peer=False,
    export_spans=2_000,
    agent_share=0.01,
)


def number(value: float) -> str:
    """Return a number as text: integral from 100 on, else with three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the ``share`` quantile (0 to 1) of ``values``, which must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
