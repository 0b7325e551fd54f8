"""Shared by the SDK programs: the messages, and the measurement in thread CPU time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

MESSAGES = [
    {"role": "system", "content": "s" * 500},
    {"role": "user", "content": "u" * 1_300},
]
ANSWER = "a" * 200


def measure(**calls: Callable[[], object]) -> None:
    """Print the CPU time of each call in the calling thread, in µs, as JSON."""
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    print(json.dumps({name: _fastest(call, count, rounds) for name, call in calls.items()}))


def _fastest(call: Callable[[], object], count: int, rounds: int) -> float:
    for _ in range(count // 10):
        call()
    timings = []
    for _ in range(rounds):
        start = time.thread_time_ns()
        for _ in range(count):
            call()
        timings.append((time.thread_time_ns() - start) / count / 1_000)
    # The fastest round: slower ones include other load of the machine.
    return min(timings)
