"""Fills the index of words across traces, behind ingest, with psycopg alone.

A transaction of a writer adds rows to `text_due` for the traces that it changes. One worker at a
time removes these rows, then reads the traces and replaces their entries, all in one transaction: a
change that is committed meanwhile has a row of its own, which remains.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import psycopg

from tracer.analysis.log import words
from tracer.analysis.log.trace_words import lexemes
from tracer.store.database.copy_text import escaped
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.database.locks import lock_keys
from tracer.store.parts.pack import PACK_ID_BYTES
from tracer.store.texts.texts import OWN_SPAN_TEXT, PART_TEXT, TRACE_TEXT

# A trace is indexed once no span has arrived for a moment, a growing one twice a minute.
DUE: Final = """
    SELECT FROM text_due WHERE due_at < now() - interval '2 seconds' LIMIT 1
"""
BATCH_TRACES: Final = 200
"""Traces per transaction."""
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('index of words', 2))"
_TAKE: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT project_id, trace_id FROM text_due
        GROUP BY project_id, trace_id
        HAVING max(due_at) < now() - interval '2 seconds'
            OR min(due_at) < now() - interval '30 seconds'
        LIMIT %s
    )
    DELETE FROM text_due d USING chosen c
    WHERE d.project_id = c.project_id AND d.trace_id = c.trace_id
    RETURNING d.project_id, d.trace_id
"""
_CLEAR: Final = """
    DELETE FROM trace_words w USING unnest(%b::text[], %b::text[]) k (project_id, trace_id)
    WHERE w.project_id = k.project_id AND w.trace_id = k.trace_id
"""
_TEXT_CHARACTERS: Final = 1_000_000
"""Characters of one text that are indexed."""
_TRACE_SPANS: Final = 20_000
"""Spans of a trace that are indexed, in the order of their ids."""
_TRACE_PACKS: Final = 4_000
"""Packs of a trace that are indexed: a pack has the short values of about ten spans."""
_READ: Final = f"""
    SELECT k.project_id, k.trace_id, texts.*
    FROM unnest(%b::text[], %b::text[]) k (project_id, trace_id)
    CROSS JOIN LATERAL (
        SELECT convert_to(left({TRACE_TEXT}, {_TEXT_CHARACTERS}), 'UTF8') AS text,
            ARRAY(SELECT ARRAY['metadata.' || key, value] FROM jsonb_each_text(p.metadata)
                WHERE value IS NOT NULL) AS values
        FROM traces t JOIN trace_payloads p USING (project_id, trace_id)
        WHERE t.project_id = k.project_id AND t.trace_id = k.trace_id
        UNION ALL
        (SELECT convert_to(left({OWN_SPAN_TEXT}, {_TEXT_CHARACTERS}), 'UTF8'),
            ARRAY[ARRAY['kind', s.kind], ARRAY['name', s.name], ARRAY['level', s.level]]
                || CASE WHEN s.model IS NULL THEN '{{}}' ELSE ARRAY[ARRAY['model', s.model]] END
        FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
        WHERE s.project_id = k.project_id AND s.trace_id = k.trace_id AND NOT s.placeholder
        LIMIT {_TRACE_SPANS})
        UNION ALL
        SELECT convert_to(left({PART_TEXT}, {_TEXT_CHARACTERS}), 'UTF8'), '{{}}'
        FROM parts q WHERE q.project_id = k.project_id AND q.trace_id = k.trace_id
            AND octet_length(q.hash) > {PACK_ID_BYTES}
        UNION ALL
        (SELECT convert_to(q.text, 'UTF8'), '{{}}'
        FROM parts q WHERE q.project_id = k.project_id AND q.trace_id = k.trace_id
            AND octet_length(q.hash) = {PACK_ID_BYTES}
        LIMIT {_TRACE_PACKS})
    ) texts
"""  # noqa: S608 - composed of constants; values are bound


def fill(url: str, stop: threading.Event) -> int:
    """Index the traces that changed; return their number. Ends early when ``stop`` is set."""
    number = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            started_at = time.monotonic()
            indexed = fill_some(connection)
            number += indexed
            if indexed < BATCH_TRACES:
                break
            # Pauses for as long as the batch took: a backlog uses at most half a processor.
            stop.wait(time.monotonic() - started_at)
    return number


def fill_some(connection: psycopg.Connection[Any]) -> int:
    """Index some of the traces that changed, in one transaction; return their number."""
    with connection.transaction():
        if connection.execute(_LOCK).fetchone() != (True,):
            return 0
        keys = sorted(set(connection.execute(_TAKE, [BATCH_TRACES]).fetchall()))
        if not keys:
            return 0
        # Without these locks, entries written here would survive a concurrent delete of the trace.
        lock_keys(connection, keys)
        connection.execute(_CLEAR, columns_of(keys, 2))
        index_words(connection, keys)
    return len(keys)


def index_words(connection: psycopg.Connection[Any], keys: Sequence[TraceKey]) -> None:
    """Add the entries of traces that have none; ``keys`` are sorted."""
    with connection.cursor() as cursor:
        rows = "".join(_lines(cursor.stream(_READ, columns_of(keys, 2), binary=True)))
        with cursor.copy("COPY trace_words (project_id, trace_id, words) FROM STDIN") as copy:
            copy.write(rows)


def _lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Yield a line for COPY per trace; ``rows``: (project, trace, text, values), by trace."""

    def key(row: tuple[Any, ...]) -> TraceKey:
        return row[0], row[1]

    for (project_id, trace_id), texts in groupby(rows, key):
        raw: set[bytes] = set()
        values: set[tuple[str, str]] = set()
        for _, _, text, pairs in texts:
            raw |= words.raw_words(words.plain(text))
            values.update((field, value) for field, value in pairs)
        entry = " ".join(map(_quoted, lexemes(raw, values)))
        yield f"{escaped(project_id)}\t{escaped(trace_id)}\t{escaped(entry)}\n"


def _quoted(lexeme: str) -> str:
    if lexeme.isalnum():
        return lexeme
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
