"""Times questions on filled databases: ``python -m bench.many.questions DIR… --requests 30``.

Each folder is one that ``bench.many.fill`` made. Prints the table of docs/benchmarks.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import psycopg
from flask import Flask

from bench.figures import percentile
from bench.many.block import END
from tracer.app import create_app
from tracer.config import Config
from tracer.dashboards.library import READY, ready
from tracer.dashboards.tile_questions import Frame, column_question, question_of
from tracer.extensions import db
from tracer.measure.question import Question, read_question
from tracer.query.moments import Clock
from tracer.server.postgres import Embedded
from tracer.store.measure.answer import answer
from tracer.store.measure.standing import Measured
from tracer.store.measure.thresholds import Thresholds
from tracer.times import from_micros

CLOCK: Final = Clock(from_micros(END))
_WEEK: Final = {"since": "-7d"}

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


def ready_questions() -> Iterator[tuple[str, str, Question]]:
    """Yield the questions of each ready dashboard, of seven days: (dashboard, chart, question)."""
    frame = Frame("-7d", "", {"env": ""})
    for name in READY:
        dashboard = ready(name)
        assert dashboard is not None
        for tile in dashboard.tiles:
            yield name, tile.title, question_of(tile, frame)
            for column in tile.columns:
                title = f"{tile.title}: {column.heading}"
                yield name, title, column_question(column.question, frame, [])


def measure(app: Flask, requests: int) -> Iterator[Timed]:
    """Yield the times of each question."""
    tiles = (("tile", name, read_question(value)) for name, value in TILES.items())
    with app.app_context():
        for group, name, question in (*ready_questions(), *tiles):
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
    """Return the times of a page of 50 traces and 50 spans whose names are all not known yet."""
    names = db.session.execute(
        db.text("SELECT name FROM traces WHERE project_id = 'default' LIMIT 50")
    ).scalars()
    rows = [Measured(f"t{n}", None, name, latency=3.0) for n, name in enumerate(names)]
    rows += [Measured(f"s{n}", "generation", "chat", latency=1.0) for n in range(50)]
    times = []
    for _ in range(requests + 2):
        began = time.perf_counter()
        Thresholds(seconds=0).high("default", rows)
        db.session.rollback()
        times.append((time.perf_counter() - began) * 1000)
    times = times[2:]
    name = "what is over its p95, 100 rows"
    return Timed("page", name, "rollup", percentile(times, 0.5), percentile(times, 0.95))


class Precision(NamedTuple):
    """By how much the percentiles of a field differ from exact ones at most."""

    field: str
    values: int
    error: float


def precision(app: Flask) -> Iterator[Precision]:
    """Yield the greatest error of p50, p75, p90, p95 and p99 of traces, against exact ones."""
    percents = (50.0, 75.0, 90.0, 95.0, 99.0)
    columns = {
        "latency": "extract(epoch FROM end_time - start_time)::float8",
        "cost": "total_cost::float8",
        "tokens": "total_tokens::float8",
    }
    with app.app_context():
        for field, column in columns.items():
            question = Question(measure="percentile", field=field, percents=percents, since="-30d")
            answered = answer("default", question, CLOCK)
            exact = db.session.execute(
                db.text(
                    f"SELECT count({column}), percentile_disc(CAST(:parts AS float8[]))"
                    f" WITHIN GROUP (ORDER BY {column}) FROM traces WHERE project_id = 'default'"
                    " AND start_time >= :since AND start_time < :until"
                ),
                {
                    "parts": [percent / 100 for percent in percents],
                    "since": answered.frame.since,
                    "until": answered.frame.until,
                },
            ).one()
            found = {row.percent: float(row.value or 0) for row in answered.rows}
            errors = [
                abs(found[percent] / value - 1)
                for percent, value in zip(percents, exact[1], strict=True)
                if value
            ]
            yield Precision(field, exact[0], max(errors, default=0.0))


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--requests", default=30, help="Requests of each question.")
def main(folders: tuple[Path, ...], requests: int) -> None:
    """Print a table with a column of p50 and p95 (ms) per folder, and the errors of percentiles."""
    columns: list[tuple[int, list[Timed]]] = []
    errors: list[Precision] = []
    for folder in folders:
        embedded = Embedded(folder)
        embedded.start()
        try:
            with psycopg.connect(embedded.url) as connection:
                row = connection.execute("SELECT count(*) FROM traces").fetchone()
            assert row is not None
            app = create_app(Config(database_url=embedded.url))
            columns.append((row[0], list(measure(app, requests))))
            errors += precision(app)
        finally:
            embedded.stop()
    heads = [f"{traces:,} traces, p50 / p95" for traces, _ in columns]
    click.echo(f"| question | reads | {' | '.join(heads)} |")
    click.echo(f"| --- | --- |{' --- |' * len(heads)}")
    for rows in _shown([timed for _, timed in columns]):
        cells = [f"{each.p50:.0f} / {each.p95:.0f} ms" for each in rows]
        click.echo(f"| {rows[-1].name} | {rows[-1].source} | {' | '.join(cells)} |")
    for each in errors:
        click.echo(f"p50 to p99 of {each.values:,} {each.field}: at most {each.error:.2%} off")


def _shown(columns: list[list[Timed]]) -> Iterator[tuple[Timed, ...]]:
    """Yield the row of each single question, and of each dashboard that of its slowest one."""
    by_group: dict[str, list[tuple[Timed, ...]]] = {}
    for row in zip(*columns, strict=True):
        by_group.setdefault(row[-1].group, []).append(row)
    for group, rows in by_group.items():
        if group not in READY:
            yield from rows
            continue
        slowest = max(rows, key=lambda row: row[-1].p95)
        name = f"{group} ({len(rows)} questions), slowest: {slowest[-1].name}"
        yield tuple(each._replace(name=name) for each in slowest)


if __name__ == "__main__":
    main()
