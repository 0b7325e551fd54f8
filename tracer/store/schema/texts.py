"""The tables of the index of words across traces."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.sql import text

from tracer.store.schema.base import metadata, now_column

# The distinct words of each trace, as the background worker last saw it. The words are stored
# outside of the row (toast_tuple_target), so that reading the traces of a word reads few blocks.
trace_words = Table(
    "trace_words",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("words", TSVECTOR, nullable=False),
    Index("ix_trace_words", "words", postgresql_using="gin"),
)

# Traces that changed since: each transaction adds a row for each trace that it changes, so that no
# two writers update the same row, and the worker deletes those that it has seen.
text_due = Table(
    "text_due",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("change", BigInteger, primary_key=True, server_default=text("txid_current()")),
    now_column("due_at"),
)
