"""What appending and folding rollups costs ingest: ``python -m bench.many.rollups``.

Batches are stored with and without, in turn; times are processor time of the writer and of its
PostgreSQL backend, so that other load on the machine matters little.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, Final

import click
import psycopg

from tracer.config import Config
from tracer.records import Batch, SpanRecord, TraceRecord
from tracer.server.bootstrap import bootstrap
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.rollups import fold, note_changes
from tracer.store.rollups.append import append
from tracer.store.writing import transaction

TRACES: Final = 5
SPANS: Final = 20
"""Of a trace; a batch has 100 spans, a third of which are generations."""
_TICK: Final = os.sysconf("SC_CLK_TCK")
_NAMES: Final = [f"agent_{number}" for number in range(30)]
_TOOLS: Final = [f"tool_{number}" for number in range(20)]
_MODELS: Final = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro")
_TEXT: Final = "The order was sent on Friday and has not arrived. " * 16


def batch(rng: random.Random, now: int) -> Batch:
    """Return a request of 100 spans with 1 kB of text each."""
    made = Batch()
    for _ in range(TRACES):
        trace_id = f"{rng.getrandbits(128):032x}"
        made.traces.append(
            TraceRecord(trace_id=trace_id, rank=0, version=now, fields={"user_id": "u1"})
        )
        ids = [f"{rng.getrandbits(64):016x}" for _ in range(SPANS)]
        made.spans += [_span(rng, trace_id, ids, index, now) for index in range(SPANS)]
    return made


def _span(rng: random.Random, trace_id: str, ids: list[str], index: int, now: int) -> SpanRecord:
    kind, name, fields = "span", "step", dict[str, Any]()
    if index == 0:
        kind, name = "agent", rng.choice(_NAMES)
    elif index % 3 == 1:
        kind, name = "generation", "chat"
        tokens = {"input": rng.randrange(50, 8_000), "output": rng.randrange(5, 900)}
        fields = {
            "model": rng.choice(_MODELS),
            "provider": "openai",
            "usage": tokens,
            "cost": {name: Decimal(number) / 100_000 for name, number in tokens.items()},
            "cost_source": "given",
            "first_token_time": now + rng.randrange(1, 400_000),
        }
    elif index % 3 == 2:
        kind, name = "tool", rng.choice(_TOOLS)
    end = now + 400_000 + rng.randrange(5_000_000)
    return SpanRecord(
        trace_id=trace_id,
        span_id=ids[index],
        parent_span_id=ids[(index - 1) // 3] if index else None,
        kind=kind,
        name=name,
        start_time=now,
        end_time=end,
        version=end,
        input=_TEXT[:500],
        output=_TEXT[500:],
        **fields,
    )


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def measure(url: str, rounds: int, batches: int) -> dict[str, Any]:
    """Return µs of processor time a span: without rollups, with them, and of folding."""
    rng = random.Random(7)
    noted = note_changes.note_changes
    costs: dict[str, list[float]] = {"without": [], "with": [], "fold": []}
    with psycopg.connect(url) as connection, psycopg.connect(url) as folding:
        for number in range(2 * rounds + 2):
            name = ("without", "with")[number % 2]
            setattr(transaction, "note_changes", noted if name == "with" else _texts_alone)  # noqa: B010
            works = [batch(rng, time.time_ns() // 1000) for _ in range(batches)]
            began = time.process_time() + _cpu(connection.info.backend_pid)
            for work in works:
                transaction.store(connection, [("default", work)])
            spent = time.process_time() + _cpu(connection.info.backend_pid) - began
            if number >= 2:
                costs[name].append(spent / (batches * TRACES * SPANS) * 1e6)
            if name == "with":
                began = time.process_time() + _cpu(folding.info.backend_pid)
                while fold.fold(folding):
                    pass
                spent = time.process_time() + _cpu(folding.info.backend_pid) - began
                if number >= 2:
                    costs["fold"].append(spent / (batches * TRACES * SPANS) * 1e6)
    return {**{name: round(median(values), 2) for name, values in costs.items()}, "raw": costs}


def _texts_alone(connection: psycopg.Connection[Any], changes: Any) -> None:
    append(connection, {}, changes)


@click.command()
@click.option("--rounds", default=12)
@click.option("--batches", default=40)
def main(rounds: int, batches: int) -> None:
    """Print the costs, and the slowdown in percent."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = Embedded(Path(folder))
        embedded.start()
        try:
            upgrade(embedded.url)
            bootstrap(Config(database_url=embedded.url))
            result = measure(embedded.url, rounds, batches)
        finally:
            embedded.stop()
    raw = result.pop("raw")
    pairs = [
        with_ / without - 1 for without, with_ in zip(raw["without"], raw["with"], strict=True)
    ]
    result["slower_percent"] = round(100 * mean(pairs), 1)
    result["deviation_percent"] = round(100 * stdev(pairs), 1)
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
