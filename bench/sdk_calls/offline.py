"""Many spans of Tracer's SDK without a reachable server; prints the memory growth in MB."""

from __future__ import annotations

import json
import sys

import psutil

import tracer.sdk as tracer

process = psutil.Process()
# No process listens on port 1.
tracer.init("http://127.0.0.1:1", exit_seconds=0.1)
tracer.event("warm")
tracer.flush(1)
before = process.memory_info().rss
for number in range(int(sys.argv[1])):
    with tracer.generation("chat", model="gpt-4o", input=["u" * 200, number]):
        pass
used = process.memory_info().rss - before
print(json.dumps({"megabytes": used / 1e6, "dropped": sum(tracer.dropped().values())}))
