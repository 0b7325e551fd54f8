"""What was acknowledged is there after a kill -9, every time."""

from __future__ import annotations

from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.otlp_load import Load
from tests.support.serving import Serve, serving
from tests.support.store.recount import disagreements
from tracer.server.postgres import Embedded

SPANS_PER_ROUND = 2_000


def kill_family(serve: Serve, with_postgres: bool) -> None:
    """Kill every process of the server at once, as a power cut would."""
    parent = psutil.Process(serve.process.pid)
    members = serve.members()
    if with_postgres:
        members += [child for child in parent.children(recursive=True) if child not in members]
    for process in members:
        process.kill()
    serve.process.wait(10)
    assert serve.process.stdout is not None
    serve.process.stdout.close()


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_every_acknowledged_span_survives_kills_in_the_middle_of_a_load(
    data_dirs: Path, kills: int
) -> None:
    data_dir = data_dirs / f"durable-{kills}"
    acknowledged: set[str] = set()
    for turn in range(kills):
        serve = Serve(data_dir=data_dir).wait_ready()
        load = Load(serve.url).start()
        try:
            load.wait_for(SPANS_PER_ROUND)
        finally:
            kill_family(serve, with_postgres=turn % 2 == 1)
            load.stop()
        acknowledged |= load.acknowledged
    with serving(data_dir=data_dir):
        stored, wrong = look(Embedded(data_dir).url)
    assert acknowledged - stored == set()
    assert wrong == []


def look(url: str) -> tuple[set[str], list[object]]:
    """Return the ids of all stored spans, and the traces whose sums do not fit them."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT span_id FROM spans WHERE NOT placeholder").fetchall()
        return {row[0] for row in rows}, list(disagreements(connection))


def test_what_was_accepted_is_committed_before_a_clean_stop_ends(data_dirs: Path) -> None:
    data_dir = data_dirs / "stopped"
    serve = Serve(data_dir=data_dir).wait_ready()
    load = Load(serve.url).start()
    load.wait_for(SPANS_PER_ROUND)
    assert serve.stop() == 0
    load.stop()
    assert serve.process.stdout is not None
    serve.process.stdout.close()
    with serving(data_dir=data_dir):
        stored, _ = look(Embedded(data_dir).url)
    assert load.acknowledged - stored == set()
