"""Times questions on filled databases: ``python -m bench.many.questions DIR… --docs``.

Each folder is one that ``bench.many.fill`` made; a server that already runs on it is used. Prints
each question as it is measured, then the table, which ``--docs`` writes to docs/benchmarks.md.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import psycopg
from flask import Flask

from bench.family import ROOT
from bench.figures import percentile
from bench.many.block import END
from bench.report import describe_machine, write_between
from tracer.app import create_app
from tracer.config import Config
from tracer.dashboards.document import Tile
from tracer.dashboards.library import READY, ready
from tracer.dashboards.tile_questions import Frame, column_question, question_of
from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.measure.question import Question, read_question
from tracer.query.moments import Clock
from tracer.server.postgres import Embedded
from tracer.store.measure.answer import answer
from tracer.store.measure.context.standing import Measured, standings
from tracer.store.measure.context.thresholds import Thresholds
from tracer.times import from_micros

CLOCK: Final = Clock(from_micros(END))
DOCS: Final = ROOT / "docs" / "benchmarks.md"
FIRST_LINE: Final = "<!-- questions: made by `python -m bench.many.questions --docs` -->"
LAST_LINE: Final = "<!-- end of questions -->"
MOST_SECONDS: Final = 4.0
"""After so long a question is not asked again."""
_TICK: Final = os.sysconf("SC_CLK_TCK")
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
    cpu: float
    """Processor time of this process and of its PostgreSQL backend, without parallel workers."""


NamedQuestion = tuple[str, str, Callable[[], Question]]
"""(dashboard, chart, what makes its question)"""


def ready_questions() -> Iterator[NamedQuestion]:
    """Yield the questions of each ready dashboard, of seven days."""
    frame = Frame("-7d", "", {"env": ""})
    for name in READY:
        dashboard = ready(name)
        assert dashboard is not None
        for tile in dashboard.tiles:
            yield name, tile.title, partial(question_of, tile, frame)
            for column in tile.columns:
                title = f"{tile.title}: {column.heading}"
                yield name, title, partial(_of_column, tile, column.question, frame)


def _of_column(tile: Tile, question: Question, frame: Frame) -> Question:
    """Return the question of a further column of a table, about the rows that it shows."""
    rows = answer("default", question_of(tile, frame), CLOCK).rows
    return column_question(question, frame, [row.groups[0] for row in rows if row.groups[0]])


def measure(app: Flask, requests: int, only: str = "") -> Iterator[Timed]:
    """Yield the times of each question whose group and name the pattern ``only`` finds."""
    tiles: Iterator[NamedQuestion] = (
        ("tile", name, partial(read_question, value)) for name, value in TILES.items()
    )
    with app.app_context():
        for group, name, made in (*ready_questions(), *tiles):
            if re.search(only, f"{group}: {name}"):
                yield _timed(group, name, requests, partial(_ask, cache(made)))
        names = db.session.execute(
            db.text("SELECT name FROM traces WHERE project_id = 'default' LIMIT 50")
        ).scalars()
        rows = [Measured(f"t{n}", None, name, latency=3.0) for n, name in enumerate(names)]
        rows += [Measured(f"s{n}", "generation", "chat", latency=1.0) for n in range(50)]
        if re.search(only, "page"):
            yield _timed("page", "what is over its p95, 100 rows", requests, lambda: _high(rows))
            yield _timed("page", "where a span stands", requests, lambda: _stands(rows[-1]))


def _ask(made: Callable[[], Question]) -> str:
    try:
        question = made()
        answered = answer("default", question, CLOCK, previous_by_interval=False)
    except TooSlow:
        return "too slow"
    return "estimate" if answered.estimated else answered.source


def _high(rows: list[Measured]) -> str:
    """Find the high figures of a page of 50 traces and 50 spans whose names are not cached."""
    Thresholds(seconds=0).high("default", rows)
    return "rollup"


def _stands(row: Measured) -> str:
    standings("default", [row], CLOCK.now)
    return "rollup"


def _timed(group: str, name: str, requests: int, ask: Callable[[], str]) -> Timed:
    times, spent, source = [], [], ""
    began = time.perf_counter()
    for number in range(requests + 1):
        db.session.rollback()
        cpu, start = _cpu(), time.perf_counter()
        source = ask()
        if number:
            times.append((time.perf_counter() - start) * 1000)
            spent.append(_cpu() - cpu)
        db.session.rollback()
        if len(times) >= 2 and time.perf_counter() - began > MOST_SECONDS:
            break
    return Timed(
        group, name, source, percentile(times, 0.5), percentile(times, 0.95), percentile(spent, 0.5)
    )


def _cpu() -> float:
    """Return the processor time of this process and of its backend so far, in ms."""
    connection: Any = db.session.connection().connection.driver_connection
    fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2]
    ticks = sum(int(field) for field in fields.split()[11:13])
    return (time.process_time() + ticks / _TICK) * 1000


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
            answered = answer("default", question, CLOCK, previous_by_interval=False)
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
            measured = {row.percent: float(row.value or 0) for row in answered.rows}
            errors = [
                abs(measured[percent] / value - 1)
                for percent, value in zip(percents, exact[1], strict=True)
                if value
            ]
            yield Precision(field, exact[0], max(errors, default=0.0))


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--requests", default=20, help="Requests of each question.")
@click.option("--only", default="", help="Only questions that this pattern finds.")
@click.option("--docs", is_flag=True, help="Write the table to docs/benchmarks.md.")
def main(folders: tuple[Path, ...], requests: int, only: str, docs: bool) -> None:
    """Print a table with a column of times (ms) per folder, and the errors of percentiles."""
    machine = describe_machine()
    columns: list[tuple[int, list[Timed]]] = []
    errors: list[Precision] = []
    for folder in folders:
        embedded = Embedded(folder)
        began = embedded.start()
        try:
            with psycopg.connect(embedded.url) as connection:
                row = connection.execute("SELECT count(*) FROM traces").fetchone()
            assert row is not None
            app = create_app(Config(database_url=embedded.url))
            columns.append((row[0], list(_printed(row[0], measure(app, requests, only)))))
            errors += () if only else precision(app)
        finally:
            if began:
                embedded.stop()
    table = _table(columns, errors, machine)
    click.echo(table)
    if docs:
        write_between(DOCS, FIRST_LINE, LAST_LINE, table)


def _printed(traces: int, measured: Iterable[Timed]) -> Iterator[Timed]:
    for each in measured:
        click.echo(f"{traces:>9,}  {_times(each):32} {each.source:8} {each.group}: {each.name}")
        yield each


def _times(timed: Timed) -> str:
    return f"{timed.p50:.0f} / {timed.p95:.0f} / {timed.cpu:.0f}"


def _table(
    columns: list[tuple[int, list[Timed]]], errors: list[Precision], machine: dict[str, Any]
) -> str:
    heads = [f"{traces:,} traces" for traces, _ in columns]
    lines = [
        "{cores} cores, {memory_gb} GB, Python {python}, PostgreSQL {postgresql}; load average"
        " before the run {load_before}.".format(**machine),
        "",
        "Milliseconds: p50, p95, and the median of the processor time of Python and PostgreSQL.",
        "",
        f"| question | reads | {' | '.join(heads)} |",
        f"| --- | --- |{' --- |' * len(heads)}",
    ]
    lines += [
        f"| {rows[-1].name} | {rows[-1].source} | {' | '.join(map(_times, rows))} |"
        for rows in _shown([timed for _, timed in columns])
    ]
    lines += [
        "",
        *(
            f"- p50 to p99 of {each.values:,} {each.field}: at most {each.error:.2%} off"
            for each in errors
        ),
    ]
    return "\n".join(lines) + "\n"


def _shown(columns: list[list[Timed]]) -> Iterator[tuple[Timed, ...]]:
    """Yield the row of each single question, and of each dashboard that of its slowest one."""
    by_group: dict[str, list[tuple[Timed, ...]]] = {}
    for row in zip(*columns, strict=True):
        by_group.setdefault(row[-1].group, []).append(row)
    for group, rows in by_group.items():
        if group not in READY:
            yield from rows
            continue
        slowest = max(rows, key=lambda row: row[-1].cpu)
        name = f"{group} ({len(rows)} questions), slowest: {slowest[-1].name}"
        yield tuple(each._replace(name=name) for each in slowest)


if __name__ == "__main__":
    main()
