"""Cold start time, and memory of an idle server."""

from __future__ import annotations

import statistics
import time

from bench.family import family
from bench.figures import MEGABYTE, Figure, Sizes


def measure(sizes: Sizes) -> list[Figure]:
    """Start servers on new data directories, one after the other."""
    seconds = []
    for remaining in reversed(range(sizes.starts)):
        with family() as server:
            seconds.append(server.start_seconds)
            if remaining == 0:
                time.sleep(sizes.settle_seconds)
                memory = server.memory()
    start = statistics.median(seconds)
    return [
        Figure("cold_start", "cold start, median", start, "s", maximum=3),
        Figure("memory_idle", "memory idle (PSS)", memory.pss / MEGABYTE, "MB", maximum=250),
        Figure("memory_idle_rss", "… RSS summed", memory.rss / MEGABYTE, "MB", maximum=250),
    ]
