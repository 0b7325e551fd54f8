"""Sizes of traces (numbers of spans) up to which reads compute instead of using stored results."""

from __future__ import annotations

from typing import Final

MAX_SPANS_ANALYSED: Final = 2_000
"""Up to this size, all analyses of a trace are computed on read; the worker stores the others."""
MAX_SPANS_PROFILED: Final = 1_000
"""Up to this size, the activity profile is cheap enough to compute for every poll of a trace."""
MAX_SPANS_IN_MEMORY: Final = 1_000
"""Up to this size, a trace is sorted and searched in memory; others need the stored index."""
MAX_SPANS_CHECKED: Final = 1_000
"""Up to this size, findings are computed on read; the worker stores those of larger traces."""
MAX_SPANS_WITH_ALL_CALLS: Final = 1_000
"""Up to this size, a model call is compared with all earlier ones; else with those nearby."""
