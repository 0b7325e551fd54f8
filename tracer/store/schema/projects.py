"""Tables of projects, API keys, prices, refused requests, and the server's secrets."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tracer.store.schema.base import Time, metadata, now_column

projects = Table(
    "projects",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    now_column("created_at"),
    Column("archived_at", Time),
    # A deleted project is invisible; its rows are purged in the background.
    Column("deleted_at", Time),
    Column("cors_origins", ARRAY(Text), nullable=False, server_default="{}"),
)


api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("secret_hint", Text, nullable=False),
    now_column("created_at"),
    Column("revoked_at", Time),
    # "all", "read", "write" or "scores": tracer/web/access/rights.py lists what each may do.
    Column("kind", Text, nullable=False, server_default="all"),
    Column("expires_at", Time),
    Column("used_at", Time),
    Column("created_by", Text),
    Index("ix_api_keys_project", "project_id"),
)


# Prices of a project. Rows are never deleted, and only `retired_at` and `note` change, so that the
# price of a span can always be looked up. `rates` holds tracer.pricing.rates.Rates.
prices = Table(
    "prices",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("price_id", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("provider", Text),
    Column("start_time", Time),
    Column("rates", JSONB, nullable=False),
    Column("note", Text),
    now_column("created_at"),
    Column("retired_at", Time),
)


# The last refused request of each project; the project "" stands for requests without a valid key.
refused_requests = Table(
    "refused_requests",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    now_column("refused_at"),
)


# Secrets for signing; the process that needs one first creates it.
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
