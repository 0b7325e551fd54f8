"""Computes and stores the analyses of large traces in the background, with psycopg alone.

One transaction per trace. It reads the trace once, into about 300 bytes of memory per span, and
takes no lock that a writer of the trace would wait for. The transaction is rolled back where the
trace's revision has changed since it was read; the trace is then analysed again later.
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
from tracer.store import thresholds
from tracer.store.database.copy_text import NULL, escaped
from tracer.store.database.locks import lock_keys
from tracer.times import sql_time

QUIET_SECONDS: Final = 3
_BATCH: Final = 1_000
_ROWS_PER_WRITE: Final = 500
"""Rows per write; libpq's queue holds up to a thousand writes, 80 MB."""

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
    FROM unnest(%b::text[], %b::text[], %b::bigint[]) k (project_id, trace_id, revision)
    ON CONFLICT (project_id, trace_id) DO UPDATE
    SET revision = excluded.revision, changed_at = excluded.changed_at
"""
DUE: Final = f"""
    SELECT project_id, trace_id FROM analyses
    WHERE analysed IS DISTINCT FROM revision
        AND changed_at < now() - interval '{QUIET_SECONDS} seconds'
    ORDER BY changed_at
"""  # noqa: S608 - composed of constants; values are bound
# An advisory lock instead of a row lock: writers of the trace update the row meanwhile.
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(project)s || ' ' || %(trace)s, 1))"
_STATE = """
    SELECT revision FROM analyses WHERE project_id = %(project)s AND trace_id = %(trace)s
        AND analysed IS DISTINCT FROM revision
"""
_DELETE = """
    WITH deleted_groups AS (
        DELETE FROM sibling_groups WHERE project_id = %(project)s AND trace_id = %(trace)s
    )
    DELETE FROM subtrees WHERE project_id = %(project)s AND trace_id = %(trace)s
"""
_COPY_SUBTREES = """
    COPY subtrees (project_id, trace_id, span_id, span_count, error_count, level, end_time,
        total_tokens, total_cost, self_us, critical_us) FROM STDIN
"""
_COPY_GROUPS = "COPY sibling_groups (project_id, trace_id, span_id, facts) FROM STDIN"
_FINISH = """
    UPDATE analyses SET analysed = revision, parts = %(parts)s::jsonb
    WHERE project_id = %(project)s AND trace_id = %(trace)s AND revision = %(revision)s
"""


def note_changes(
    connection: psycopg.Connection[Any], counts: Iterable[tuple[tuple[str, str], int]]
) -> None:
    """Give the large ones of the changed traces a new revision, so that the worker analyses them.

    `counts`: (project_id, trace_id) with the number of spans. Runs in the transaction that changes
    the traces, whose row locks keep two writers of one trace apart.
    """
    large = sorted(key for key, spans in counts if spans > thresholds.MAX_SPANS_ANALYSED)
    if large:
        revisions = [secrets.randbits(62) for _ in large]
        projects, traces = zip(*large, strict=True)
        connection.execute(_CHANGED, [list(projects), list(traces), revisions])


def analyse_due(url: str) -> int:
    """Analyse the large traces that have not changed for QUIET_SECONDS; return their number."""
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for project_id, trace_id in connection.execute(DUE).fetchall():
            done += analyse(connection, project_id, trace_id)
    return done


def analyse(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> bool:
    """Compute and store the analyses of a trace; return whether they were stored.

    False: nothing has changed, another process is analysing the trace, or it changed meanwhile.
    """
    key = {"project": project_id, "trace": trace_id}
    is_current = False
    with connection.transaction():
        # Without this lock, rows written here would survive a concurrent delete of the trace.
        lock_keys(connection, [(project_id, trace_id)])
        has_lock = connection.execute(_TRY_LOCK, key).fetchone()
        state = connection.execute(_STATE, key).fetchone()
        if has_lock != (True,) or state is None:
            return False
        inputs = AnalysisInputs(Forest.build(_facts(connection, key)))
        connection.execute(_DELETE, key)
        key_columns = f"{escaped(project_id)}\t{escaped(trace_id)}\t"
        with _copying(connection, _COPY_SUBTREES, _subtree_lines(inputs, key_columns)):
            # Computed while a thread still sends the rows of `subtrees` to PostgreSQL.
            groups = "".join(_group_lines(inputs, key_columns))
            trace_analyses = {
                name: analyse_trace(inputs) for name, analyse_trace in TRACE_ANALYSES.items()
            }
        with connection.cursor().copy(_COPY_GROUPS) as copy:
            copy.write(groups)
        result = {"revision": state[0], "parts": msgspec.json.encode(trace_analyses).decode()}
        # Last statement: from here on, writers of the trace wait for this transaction.
        is_current = connection.execute(_FINISH, key | result).rowcount == 1
        if not is_current:
            raise psycopg.Rollback
    return is_current


def _facts(connection: psycopg.Connection[Any], key: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    query = FACTS.format(project="%(project)s", trace="%(trace)s")
    with connection.cursor() as cursor:
        # One streamed query: with fetched batches PostgreSQL would wait after each of them.
        yield from cursor.stream(query, key, binary=True, size=_BATCH)


@contextmanager
def _copying(
    connection: psycopg.Connection[Any], statement: str, lines: Iterator[str]
) -> Iterator[None]:
    """Copy lines of text, twice as fast as values; all rows are sent when the block ends."""
    cursor = connection.cursor()
    with cursor.copy(statement, writer=QueuedLibpqWriter(cursor)) as copy:
        while batch := list(islice(lines, _ROWS_PER_WRITE)):
            copy.write("".join(batch))
        yield


def _subtree_lines(inputs: AnalysisInputs, key: str) -> Iterator[str]:
    """Yield the rows of `subtrees`."""
    forest = inputs.forest
    kept = zip(
        forest.sizes, inputs.critical_path.subtree, forest.excluded, forest.running, strict=True
    )
    rows = zip(kept, forest.ids, inputs.self_times, inputs.subtree_sums, strict=True)
    for (size, critical_us, excluded, running), span_id, self_us, sums in rows:
        if size > 1 or critical_us or excluded or running:
            spans, errors, level, end, tokens, cost = sums
            yield (
                f"{key}{escaped(span_id)}\t{spans}\t{errors}\t{level}\t{sql_time(end)}"
                f"\t{NULL if tokens is None else tokens}\t{NULL if cost is None else f'{cost:f}'}"
                f"\t{self_us}\t{critical_us}\n"
            )


def _group_lines(inputs: AnalysisInputs, key: str) -> Iterator[str]:
    """Yield the rows of `sibling_groups`."""
    for group in find_sibling_groups(inputs):
        facts = msgspec.json.encode(group).decode()
        yield f"{key}{escaped(group.first_id)}\t{escaped(facts)}\n"
