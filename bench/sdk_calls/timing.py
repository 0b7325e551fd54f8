"""What the programs that call an SDK have in common: the calls, and the clock of their thread."""

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
    """Print the microseconds of processor time of each call, in the calling thread, as JSON."""
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    print(json.dumps({name: _fastest(call, count, rounds) for name, call in calls.items()}))


def _fastest(call: Callable[[], object], count: int, rounds: int) -> float:
    for _ in range(count // 10):
        call()
    found = []
    for _ in range(rounds):
        start = time.thread_time_ns()
        for _ in range(count):
            call()
        found.append((time.thread_time_ns() - start) / count / 1_000)
    # What comes on top of the fastest round is the machine's other work.
    return min(found)
