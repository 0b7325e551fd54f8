"""Sizes of traces (numbers of spans) up to which reads compute instead of using stored results."""

from __future__ import annotations

from typing import Final

ANALYSES_ON_READ: Final = 2_000
"""Up to this size, all analyses of a trace are computed on read; the worker stores the others."""
ACTIVITY_ON_READ: Final = 1_000
"""Up to this size, the activity profile is cheap enough to compute for every poll of a trace."""
TIMELINE_IN_MEMORY: Final = 1_000
"""Up to this size, a trace is sorted and searched in memory; others need the stored index."""
FINDINGS_ON_READ: Final = 1_000
"""Up to this size, findings are computed on read; the worker stores those of larger traces."""
