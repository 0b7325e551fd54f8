"""Times questions on filled databases: ``python -m bench.many.questions DIR… --requests 30``.

Each folder is one that ``bench.many.fill`` made. Prints the table of docs/benchmarks.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import psycopg
from flask import Flask

from bench.figures import percentile
from bench.many.rows import END
from tracer.app import create_app
from tracer.config import Config
from tracer.extensions import db
from tracer.measure.question import read_question
from tracer.query.moments import Clock
from tracer.server.postgres import Embedded
from tracer.store.measure.answer import answer
from tracer.store.measure.standing import Measured, standings
from tracer.times import from_micros

CLOCK: Final = Clock(from_micros(END))
_WEEK: Final = {"since": "-7d"}

HOME: Final[dict[str, dict[str, Any]]] = {
    "traces over time": {**_WEEK, "buckets": 84, "previous": True},
    "error rate": {**_WEEK, "measure": "ratio", "part": "status:error", "previous": True},
    "latency p50, p95, p99 over time": {
        **_WEEK,
        "measure": "percentile",
        "field": "latency",
        "percents": [50, 95, 99],
        "buckets": 84,
    },
    "cost by model over time": {
        **_WEEK,
        "grain": "generations",
        "measure": "sum",
        "field": "cost",
        "group_by": ["model"],
        "buckets": 28,
        "limit": 4,
    },
    "tokens by type over time": {
        **_WEEK,
        "measure": "sum",
        "field": "tokens",
        "group_by": ["token_type"],
        "buckets": 28,
    },
    "users": {**_WEEK, "measure": "distinct", "field": "user", "previous": True},
    "slowest names": {
        **_WEEK,
        "measure": "percentile",
        "field": "latency",
        "percents": [50, 99],
        "group_by": ["name"],
    },
    "top users by cost": {**_WEEK, "measure": "sum", "field": "cost", "group_by": ["user"]},
    "errors by type": {
        **_WEEK,
        "grain": "spans",
        "query": "level:error",
        "group_by": ["error_type"],
    },
    "tools by failures": {
        **_WEEK,
        "grain": "spans",
        "query": "kind:tool level:error",
        "group_by": ["name"],
    },
    "scores over time": {
        **_WEEK,
        "grain": "scores",
        "measure": "average",
        "field": "value",
        "group_by": ["score_name"],
        "buckets": 28,
    },
}
"""What the home page asks, of seven days."""
TILES: Final[dict[str, dict[str, Any]]] = {
    "count by name and environment, 30 days": {"since": "-30d", "group_by": ["name", "env"]},
    "p95 of calls by model, 30 days": {
        "since": "-30d",
        "grain": "generations",
        "measure": "percentile",
        "field": "latency",
        "group_by": ["model"],
        "buckets": 60,
    },
    "average cost of a call by model": {
        **_WEEK,
        "grain": "generations",
        "measure": "average",
        "field": "cost",
        "group_by": ["model"],
    },
    "heat map of latency": {**_WEEK, "shape": "heat_map", "field": "latency", "buckets": 60},
    "histogram of tokens": {"since": "-30d", "shape": "histogram", "field": "tokens"},
    "rate of failed traces": {**_WEEK, "measure": "rate", "query": "status:error", "buckets": 84},
    "count by a key of the metadata": {**_WEEK, "group_by": ["metadata.plan"]},
    "p95 by release": {
        **_WEEK,
        "measure": "percentile",
        "field": "latency",
        "group_by": ["release"],
    },
    "traces with a failed tool, over time": {
        **_WEEK,
        "query": "any(kind:tool level:error)",
        "buckets": 28,
    },
    "cost by tag": {**_WEEK, "measure": "sum", "field": "cost", "group_by": ["tag"]},
    "distinct sessions by environment": {
        **_WEEK,
        "measure": "distinct",
        "field": "session",
        "group_by": ["env"],
    },
    "share of long traces": {**_WEEK, "measure": "ratio", "part": "latency:>5s", "buckets": 28},
}
"""Tiles that people make: some have rollups, the others scan."""


class Timed(NamedTuple):
    """How long one question took (ms), and what was read for it."""

    group: str
    name: str
    source: str
    p50: float
    p95: float


def measure(app: Flask, requests: int) -> Iterator[Timed]:
    """Yield the times of each question."""
    with app.app_context():
        for group, questions in (("home", HOME), ("tile", TILES)):
            for name, value in questions.items():
                question = read_question(value)
                times, source = [], ""
                for _ in range(requests + 2):
                    answered = answer("default", question, CLOCK)
                    db.session.rollback()
                    times.append(answered.milliseconds)
                    source = "estimate" if answered.estimated else answered.source
                times = times[2:]
                yield Timed(group, name, source, percentile(times, 0.5), percentile(times, 0.95))
        yield _standings(requests)


def _standings(requests: int) -> Timed:
    """Return the times of the standings of a page of 50 traces and 50 spans."""
    names = db.session.execute(
        db.text("SELECT name FROM traces WHERE project_id = 'default' LIMIT 50")
    ).scalars()
    rows = [Measured(f"t{n}", None, name, latency=3.0) for n, name in enumerate(names)]
    rows += [Measured(f"s{n}", "generation", "chat", latency=1.0) for n in range(50)]
    times = []
    for _ in range(requests + 2):
        began = time.perf_counter()
        standings("default", rows, CLOCK.now - timedelta(hours=1))
        db.session.rollback()
        times.append((time.perf_counter() - began) * 1000)
    times = times[2:]
    name = "percentiles in context, 100 rows"
    return Timed("page", name, "rollup", percentile(times, 0.5), percentile(times, 0.95))


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--requests", default=30, help="Requests of each question.")
def main(folders: tuple[Path, ...], requests: int) -> None:
    """Print a table with a column of p50 and p95 (ms) per folder."""
    columns: list[tuple[int, list[Timed]]] = []
    for folder in folders:
        embedded = Embedded(folder)
        embedded.start()
        try:
            with psycopg.connect(embedded.url) as connection:
                row = connection.execute("SELECT count(*) FROM traces").fetchone()
            assert row is not None
            app = create_app(Config(database_url=embedded.url))
            columns.append((row[0], list(measure(app, requests))))
        finally:
            embedded.stop()
    heads = [f"{traces:,} traces, p50 / p95" for traces, _ in columns]
    click.echo(f"| question | reads | {' | '.join(heads)} |")
    click.echo(f"| --- | --- |{' --- |' * len(heads)}")
    for rows in zip(*(timed for _, timed in columns), strict=True):
        cells = [f"{each.p50:.0f} / {each.p95:.0f} ms" for each in rows]
        click.echo(f"| {rows[-1].name} | {rows[-1].source} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
