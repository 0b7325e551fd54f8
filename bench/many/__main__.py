"""``python -m bench.many DIR…``: times lists and queries on filled data directories.

`bench.many.fill` makes such directories. Prints a table, and with ``--docs`` writes it to
docs/benchmarks.md.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import click
import psycopg

from bench.family import ROOT, Family
from bench.figures import percentile
from bench.many.requests import Request, requests
from bench.report import describe_machine, write_between
from tracer.server.postgres import Embedded

DOCS: Final = ROOT / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- many traces: made by `python -m bench.many --docs` -->"
END: Final = "<!-- end of many traces -->"
_SETTLE_SECONDS: Final = 3_600


class Timed(NamedTuple):
    """The times of one request (ms); ``cpu`` is processor time of server and PostgreSQL."""

    request: Request
    median: float
    p95: float
    cpu: float


@click.command()
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--rounds", default=10, help="How often each request is sent.")
@click.option("--docs", is_flag=True, help="Write the table to docs/benchmarks.md.")
def main(directories: tuple[Path, ...], rounds: int, docs: bool) -> None:
    """Time the requests on each of the data directories."""
    machine = describe_machine()
    columns = [_measure(directory, rounds) for directory in directories]
    table = _table(columns, machine)
    click.echo(table)
    if docs:
        try:
            write_between(DOCS, BEGIN, END, table)
        except ValueError as error:
            raise click.ClickException(str(error)) from error


def _measure(directory: Path, rounds: int) -> tuple[dict[str, int], list[Timed]]:
    """Return the sizes of the database, and each request with its times."""
    server = Family(directory)
    try:
        sizes = _sizes(directory)
        _await_index(directory)
        page = json.loads(server.get("/api/v1/traces?q=name:support-agent&limit=2")[0] or "{}")
        timed = [
            _time(server, request, rounds)
            for request in requests([trace["id"] for trace in page["data"]])
        ]
    finally:
        server.stop()
    return sizes, timed


def _sizes(directory: Path) -> dict[str, int]:
    query = "SELECT reltuples::bigint FROM pg_class WHERE relname = '{}'"
    with psycopg.connect(Embedded(directory).url, autocommit=True) as connection:
        return {name: _count(connection, query.format(name)) for name in ("traces", "spans")}


def _await_index(directory: Path) -> None:
    """Wait until the words of all traces are indexed."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    with psycopg.connect(Embedded(directory).url, autocommit=True) as connection:
        while _count(connection, "SELECT count(*) FROM text_due"):
            if time.monotonic() > deadline:
                raise click.ClickException("the words of the traces are still not indexed")
            time.sleep(2)
        connection.execute("ANALYZE")


def _count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _time(server: Family, request: Request, rounds: int) -> Timed:
    server.get(request.path, {"Accept-Encoding": "identity"})
    before, times = server.cpu(), []
    for _ in range(rounds):
        started_at = time.perf_counter()
        server.get(request.path, {"Accept-Encoding": "identity"})
        times.append((time.perf_counter() - started_at) * 1000)
    after = server.cpu()
    spent = sum(after) - sum(before)
    return Timed(request, median(times), percentile(times, 0.95), spent * 1000 / rounds)


def _table(columns: list[tuple[dict[str, int], list[Timed]]], machine: dict[str, Any]) -> str:
    """Return the slowest request of each group on each size, as Markdown."""
    heads = [f"{sizes['traces']:,} traces, {sizes['spans']:,} spans" for sizes, _ in columns]
    lines = [
        "{cores} cores, {memory_gb} GB, Python {python}, PostgreSQL {postgresql}; load average"
        " before the run {load_before}.".format(**machine),
        "",
        "Milliseconds: the slowest request of the group (median, p95, processor time of server and",
        "PostgreSQL together).",
        "",
        f"| requests | {' | '.join(heads)} |",
        f"| --- |{' --- |' * len(heads)}",
    ]
    groups: dict[str, list[str]] = defaultdict(list)
    for _, timed in columns:
        by_group: dict[str, list[Timed]] = defaultdict(list)
        for each in timed:
            by_group[each.request.group].append(each)
        for group, own in by_group.items():
            worst = max(own, key=lambda each: each.median)
            groups[f"{group} ({len(own)})"].append(
                f"{worst.median:.0f}, {worst.p95:.0f}, {worst.cpu:.0f}: `{worst.request.what}`"
            )
    lines += [f"| {group} | {' | '.join(cells)} |" for group, cells in groups.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
