"""The table of saved views of lists."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text
from sqlalchemy.sql import text

from tracer.store.schema.base import author, count_column, metadata, now_column

# The state of a list by name. `list` names the list, `state` is the query string of its address;
# `owner_id` is the only person who sees the view, NULL: the project has it.
saved_views = Table(
    "saved_views",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("view_id", Text, primary_key=True),
    Column("list", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner_id", Text),
    count_column("position"),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    *author(),
    now_column("created_at"),
    now_column("updated_at"),
    Index("ix_saved_views_list", "project_id", "list", "position"),
)
