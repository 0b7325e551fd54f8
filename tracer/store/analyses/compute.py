"""Derives what whole traces tell, in the background: psycopg alone, for a process of its own.

One transaction per trace. It reads the trace once, into about 300 bytes of memory a span, and
holds no lock that a writer of the trace would wait for; what it wrote counts only if the trace is
still of the revision that it read, and else is undone and done again later.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import msgspec
import psycopg
from psycopg.copy import QueuedLibpqWriter

from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs
from tracer.analysis.sibling_groups import find_sibling_groups
from tracer.analysis.trace_analyses import TRACE_ANALYSES
from tracer.store.database.copy_text import NULL, escaped
from tracer.store.database.locks import hold
from tracer.times import sql_time

SMALL_SPANS: Final = 2_000
"""Of traces up to here everything is worked out when it is asked for."""
QUIET_SECONDS: Final = 3
_BATCH: Final = 1_000
_LINES: Final = 500
"""Rows handed over at once; up to a thousand such wait for PostgreSQL, 80 MB."""

# The columns are those of analysis.forest.SpanFacts.
FACTS: Final = """
    SELECT span_id, parent_span_id, (extract(epoch FROM start_time) * 1000000)::bigint,
        (extract(epoch FROM end_time) * 1000000)::bigint, kind, name, level, model,
        total_tokens, total_cost, covered, placeholder
    FROM spans WHERE project_id = {project} AND trace_id = {trace}
    ORDER BY start_time, span_id
"""
_CHANGED = """
    INSERT INTO analyses (project_id, trace_id, revision, changed_at)
    SELECT project_id, trace_id, revision, now()
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) k (project_id, trace_id, revision)
    ON CONFLICT (project_id, trace_id) DO UPDATE
    SET revision = excluded.revision, changed_at = excluded.changed_at
"""
DUE: Final = f"""
    SELECT project_id, trace_id FROM analyses
    WHERE analysed IS DISTINCT FROM revision
        AND changed_at < now() - interval '{QUIET_SECONDS} seconds'
    ORDER BY changed_at
"""
# A lock of its own: the row is what writers of the trace have to update meanwhile.
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(project)s || ' ' || %(trace)s, 1))"
_STATE = """
    SELECT revision FROM analyses WHERE project_id = %(project)s AND trace_id = %(trace)s
        AND analysed IS DISTINCT FROM revision
"""
_DELETE = """
    WITH gone AS (DELETE FROM runs WHERE project_id = %(project)s AND trace_id = %(trace)s)
    DELETE FROM subtrees WHERE project_id = %(project)s AND trace_id = %(trace)s
"""
_COPY = """
    COPY subtrees (project_id, trace_id, span_id, span_count, error_count, level, end_time,
        total_tokens, total_cost, self_us, critical_us) FROM STDIN
"""
_COPY_RUNS = "COPY runs (project_id, trace_id, span_id, facts) FROM STDIN"
_TURN = """
    UPDATE analyses SET analysed = revision, parts = %(parts)s::jsonb
    WHERE project_id = %(project)s AND trace_id = %(trace)s AND revision = %(revision)s
"""


def note_changes(
    connection: psycopg.Connection[Any], counts: Iterable[tuple[tuple[str, str], int]]
) -> None:
    """Say that traces change, by key and number of spans: small ones need nothing.

    Part of the transaction that changes them, whose locks keep two from meeting here.
    """
    large = sorted(key for key, spans in counts if spans > SMALL_SPANS)
    if large:
        revisions = [secrets.randbits(62) for _ in large]
        projects, traces = zip(*large, strict=True)
        connection.execute(_CHANGED, [list(projects), list(traces), revisions])


def analyse_due(url: str) -> int:
    """Analyse the large traces that have come to rest; return how many."""
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for project_id, trace_id in connection.execute(DUE).fetchall():
            done += analyse(connection, project_id, trace_id)
    return done


def analyse(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> bool:
    """Derive anew what a trace tells; return whether that was done.

    Not done: nothing has changed, somebody else is at it, or the trace changed meanwhile.
    """
    key = {"project": project_id, "trace": trace_id}
    turned = False
    with connection.transaction():
        # Or what we write would stay, where the trace is deleted meanwhile.
        hold(connection, [(project_id, trace_id)])
        alone = connection.execute(_ALONE, key).fetchone()
        state = connection.execute(_STATE, key).fetchone()
        if alone != (True,) or state is None:
            return False
        inputs = AnalysisInputs(Forest.build(_facts(connection, key)))
        connection.execute(_DELETE, key)
        whose = f"{escaped(project_id)}\t{escaped(trace_id)}\t"
        with _copying(connection, _COPY, _lines(inputs, whose)):
            # While PostgreSQL still takes in what a thread hands over to it.
            runs = "".join(_run_lines(inputs, whose))
            parts = {name: make(inputs) for name, make in TRACE_ANALYSES.items()}
        with connection.cursor().copy(_COPY_RUNS) as copy:
            copy.write(runs)
        done = {"revision": state[0], "parts": msgspec.json.encode(parts).decode()}
        # Last of all, since from here on a writer of the trace waits for us.
        turned = connection.execute(_TURN, key | done).rowcount == 1
        if not turned:
            raise psycopg.Rollback
    return turned


def _facts(connection: psycopg.Connection[Any], key: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    query = FACTS.format(project="%(project)s", trace="%(trace)s")
    with connection.cursor() as cursor:
        # Not fetched batch by batch, for which PostgreSQL would wait each time.
        yield from cursor.stream(query, key, binary=True, size=_BATCH)


@contextmanager
def _copying(
    connection: psycopg.Connection[Any], statement: str, lines: Iterator[str]
) -> Iterator[None]:
    """Hand over rows as lines, in half the time of giving them as values; all are at the end."""
    cursor = connection.cursor()
    with cursor.copy(statement, writer=QueuedLibpqWriter(cursor)) as copy:
        while batch := list(islice(lines, _LINES)):
            copy.write("".join(batch))
        yield


def _lines(inputs: AnalysisInputs, key: str) -> Iterator[str]:
    """Yield the rows of `subtrees`."""
    forest = inputs.forest
    kept = zip(
        forest.sizes, inputs.critical_path.subtree, forest.excluded, forest.running, strict=True
    )
    rows = zip(kept, forest.ids, inputs.self_times, inputs.subtree_sums, strict=True)
    for (size, critical, covered, running), span_id, alone, sums in rows:
        if size > 1 or critical or covered or running:
            spans, errors, level, end, tokens, cost = sums
            yield (
                f"{key}{escaped(span_id)}\t{spans}\t{errors}\t{level}\t{sql_time(end)}"
                f"\t{NULL if tokens is None else tokens}\t{NULL if cost is None else f'{cost:f}'}"
                f"\t{alone}\t{critical}\n"
            )


def _run_lines(inputs: AnalysisInputs, key: str) -> Iterator[str]:
    """Yield the rows of `runs`."""
    for run in find_sibling_groups(inputs):
        facts = msgspec.json.encode(run).decode()
        yield f"{key}{escaped(run.first_id)}\t{escaped(facts)}\n"
