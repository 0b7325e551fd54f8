"""Conditions on traces by their words, as SQL: from the index, and exact for the changed traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, TSQUERY

from tracer.analysis.log.trace_words import text_query, value_lexeme
from tracer.analysis.log.words import SPACELESS, SPACELESS_RANGES, Term
from tracer.extensions import db
from tracer.store.database.estimates import estimated_rows, sample
from tracer.store.parts.columns import bit
from tracer.store.schema import (
    parts,
    span_payload_rows,
    spans,
    text_due,
    trace_payloads,
    trace_words,
)
from tracer.store.schema import traces as trace_table
from tracer.store.texts.texts import SEARCHED

Column = sa.ColumnElement[Any]

FREQUENT_TRACES: Final = 5_000
FREQUENT_SHARE: Final = 0.01
"""Lexemes are frequent if more traces than these, and more than this share of all, have them."""
_FREQUENT: Final = "frequent_lexemes"
"""The key of what the session has counted."""
SAMPLED_TRACES: Final = 500
"""Traces among which it is counted how many have the lexemes."""


def text_condition(traces: sa.FromClause, text: str) -> Column:
    """Return the condition that a text is found in a row of ``traces`` (the table or an alias).

    Each word of the text begins a word of the trace; of more than one word, all of it stands
    somewhere in the trace, in upper or lower case. A text without any word or sign finds all.
    """
    return sa.and_(text_candidate(traces, text), text_verified(traces, text))


def text_candidate(traces: sa.FromClause, text: str) -> Column:
    """Return the condition of the index, which all traces with a text fulfil, and some others."""
    query = text_query(text)
    lexemes = [_term_lexeme(term) for term in query.terms]
    lexemes += [_quoted(piece) for piece in query.pieces]
    return _candidate(traces, lexemes, query.numbers) if lexemes else sa.true()


def text_verified(traces: sa.FromClause, text: str) -> Column:
    """Return the condition that a candidate has the text; it reads the texts of the trace."""
    query = text_query(text)
    conditions = [_verified(traces, part) for part in query.parts]
    if query.terms:
        # The index is outdated for a changed trace, so its texts are searched.
        exact = sa.and_(*(_begins_word(traces, term) for term in query.terms))
        conditions.append(sa.or_(~_is_due(traces), exact))
    return sa.and_(sa.true(), *conditions)


def prefilter(traces: sa.FromClause, values: Iterable[tuple[str, str]]) -> Column | None:
    """Return a condition that all traces with these (field, value) pairs fulfil, and few others.

    Fields: ``kind``, ``name``, ``level``, ``model`` of some of their spans, ``metadata.<key>`` of
    the trace. Pairs that the index leaves out restrict nothing. None: most traces have them.
    """
    lexemes = [value_lexeme(field, value) for field, value in values]
    known = [_quoted(lexeme) for lexeme in lexemes if lexeme is not None]
    # Values that most traces have would not exclude enough traces.
    return _candidate(traces, known) if known and not _are_frequent(known) else None


def _candidate(
    traces: sa.FromClause, lexemes: Sequence[str], numbers: Sequence[str] = ()
) -> Column:
    """Return whether a row of ``traces`` has all these lexemes, or has changed since.

    Pieces of ``numbers`` are among the lexemes: many traces have all pieces, but few the number.

    Rare lexemes name the traces to read. Frequent ones are looked up for each trace that a list
    reads from its newest on, until its page is full.
    """
    if _are_frequent(lexemes, numbers):
        # Not EXISTS: PostgreSQL may read the entries of all traces into a hash table for that.
        entry = sa.select(_has(lexemes)).where(*_same(trace_words, traces)).correlate(traces)
        return sa.or_(sa.func.coalesce(entry.scalar_subquery(), sa.false()), _is_due(traces))
    keys = trace_words.c.project_id, trace_words.c.trace_id
    indexed = sa.select(*keys).where(_has(lexemes), *_within(numbers, trace_words))
    due = sa.select(text_due.c.project_id, text_due.c.trace_id)
    return sa.tuple_(traces.c.project_id, traces.c.trace_id).in_(sa.union_all(indexed, due))


def _has(lexemes: Iterable[str], entries: sa.FromClause = trace_words) -> Column:
    wanted = sa.cast(sa.literal(" & ".join(lexemes)), TSQUERY)
    return entries.c.words.op("@@", is_comparison=True)(wanted)


def _within(numbers: Sequence[str], entries: sa.FromClause) -> list[Column]:
    entry_text = sa.cast(entries.c.words, sa.Text)
    return [entry_text.contains(number) for number in numbers]


def _are_frequent(lexemes: Sequence[str], numbers: Sequence[str] = ()) -> bool:
    """Return whether many traces have all these lexemes, and the numbers within words."""
    # Cached: the list, the facets and the chart of a page have the same condition.
    known: dict[tuple[tuple[str, ...], ...], bool] = db.session().info.setdefault(_FREQUENT, {})
    key = tuple(lexemes), tuple(numbers)
    if key not in known:
        known[key] = _count_frequent(lexemes, numbers)
    return known[key]


def _count_frequent(lexemes: Sequence[str], numbers: Sequence[str]) -> bool:
    entries = sa.select(trace_words.c.trace_id)
    total = estimated_rows(entries)
    bound = max(FREQUENT_TRACES, FREQUENT_SHARE * total)
    if total <= bound:
        return False
    if len(lexemes) == 1 and estimated_rows(entries.where(_has(lexemes))) > bound:
        return True
    # PostgreSQL has statistics of the most frequent words alone, and estimates words as
    # independent, but those of a phrase come together.
    some = sample(trace_words, min(1.0, SAMPLED_TRACES / total))
    having = sa.func.count().filter(_has(lexemes, some), *_within(numbers, some))
    counts = sa.select(having, sa.func.count())
    number, all_sampled = db.session.execute(counts.select_from(some)).one()
    return bool(number * total > bound * all_sampled)


def _is_due(traces: sa.FromClause) -> Column:
    return sa.exists().where(*_same(text_due, traces)).correlate(traces)


def _verified(traces: sa.FromClause, part: str) -> Column:
    """Return whether a text stands in one of the texts of the trace or of its spans."""
    in_json = msgspec.json.encode(part).decode()[1:-1]

    def contains(text: Column) -> Column:
        written = {part, in_json}
        return sa.or_(*(text.icontains(each, autoescape=True) for each in sorted(written)))

    return _any_text(traces, contains)


def _begins_word(traces: sa.FromClause, term: Term) -> Column:
    """Return whether a term begins a word of the trace (words.py), without the index."""
    patterns = word_patterns(term)

    def begins(text: Column) -> Column:
        either = [text.regexp_match(pattern) for pattern in patterns]
        contains = text.icontains(term.text, autoescape=True)
        return sa.and_(contains, sa.or_(*either)) if either else contains

    return _any_text(traces, begins)


def word_patterns(term: Term) -> list[str]:
    """Return regular expressions of PostgreSQL for a term at the beginning of a word.

    None: wherever the term stands, a word begins.
    """
    if SPACELESS.fullmatch(term.text):
        return []
    end = f"(?:(?![[:alnum:]])|(?=[{SPACELESS_RANGES}]))" if term.whole else ""
    begin = f"(?:(?<![[:alnum:]])|(?<=[{SPACELESS_RANGES}]))"
    patterns = [f"(?i){begin}{term.text}{end}"]
    if "a" <= term.text[0] <= "z":
        rest = "".join(f"[{letter}{letter.upper()}]" for letter in term.text[1:])
        patterns.append(f"(?<=[a-z]){term.text[0].upper()}{rest}{end}")
    return patterns


def _any_text(traces: sa.FromClause, matches: Callable[[Column], Column]) -> Column:
    """Return whether a text of the trace, of one of its spans or parts fulfils a condition."""
    trace, payload = trace_table.alias(), trace_payloads.alias()
    own_text = _joined(
        *(trace.c[name] for name in ("name", "user_id", "session_id", "release", "version")),
        sa.func.array_to_string(trace.c.tags, " "),
        *(payload.c[name] for name in ("metadata", "input", "output")),
    )
    own = (
        sa.select(payload.c.trace_id)
        .select_from(trace.join(payload, sa.and_(*_same(payload, trace))))
        .where(*_same(payload, traces), matches(own_text))
    )
    span, wide, part = spans.alias(), span_payload_rows.alias(), parts.alias()
    same_span = [*_same(wide, span), wide.c.span_id == span.c.span_id]
    span_text = _joined(
        *(span.c[name] for name in ("name", "kind", "status_message", "model")),
        *(_own_text(wide, name) for name in SEARCHED),
    )
    of_span = (
        sa.select(span.c.trace_id)
        .select_from(span.outerjoin(wide, sa.and_(*same_span)))
        .where(*_same(span, traces), ~span.c.placeholder, matches(span_text))
    )
    part_text = sa.case(
        (sa.func.get_byte(part.c.hash, 0) < 128, part.c.text),
        else_=sa.func.text_of_payload(sa.cast(part.c.text, JSON), sa.true(), type_=sa.Text),
    )
    of_part = sa.select(part.c.trace_id).where(*_same(part, traces), matches(part_text))
    return sa.or_(*(has_row(query.correlate(traces)) for query in (own, of_span, of_part)))


def has_row(query: sa.Select[Any]) -> Column:
    """Return whether a correlated query has a row, looked up for each listed row by itself.

    For EXISTS below OR, PostgreSQL may read the payloads of all traces into a hash table.
    """
    return query.limit(1).scalar_subquery().is_not(None)


def _own_text(wide: sa.FromClause, name: str) -> Column:
    is_split = wide.c.split.op("&")(bit(name)) != 0
    # Most values are whole: a call of the function would take longer than reading them.
    of_skeleton = sa.func.text_of_payload(wide.c[name], sa.true(), type_=sa.Text)
    return sa.case((is_split, of_skeleton), else_=sa.cast(wide.c[name], sa.Text))


def _joined(*texts: Column) -> Column:
    return sa.func.concat_ws(" ", *texts, type_=sa.Text)


def _same(table: sa.FromClause, other: sa.FromClause) -> list[Column]:
    return [table.c[name] == other.c[name] for name in ("project_id", "trace_id")]


def _term_lexeme(term: Term) -> str:
    return _quoted(term.text) + ("" if term.whole else ":*")


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
