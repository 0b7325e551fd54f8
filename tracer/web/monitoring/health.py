"""Health of the process, and readiness of the server with its database."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from tracer.errors import StoreUnavailable
from tracer.store.database.server import known_revisions
from tracer.store.database.session import ping, schema_revision
from tracer.web.problems import register_problems

bp: Final = Blueprint("health", __name__)
register_problems(bp)


@bp.get("/health")
def health() -> dict[str, str]:
    """Return ok while the process runs; without a query, as a restart can't fix the database."""
    return {"status": "ok"}


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Return ok if the database responds. Raises StoreUnavailable."""
    ping()
    return {"status": "ok"}


@bp.get("/ready")
def ready() -> dict[str, str]:
    """Return ok if the database responds and its schema is at least this code's revision.

    During an upgrade, the older version keeps running on the newer schema. Raises StoreUnavailable.
    """
    revision, needed = schema_revision(), known_revisions()[-1]
    if revision < needed:
        raise StoreUnavailable(
            f"the schema has revision {revision or 'none'}, and {needed} is needed:"
            " `tracer db upgrade`"
        )
    return {"status": "ok", "schema": revision}
