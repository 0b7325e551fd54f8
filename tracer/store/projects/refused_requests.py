"""The last refused request of each project, which the start page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.schema import refused_requests

UNKNOWN_PROJECT: Final = ""
"""Project of a request without a valid key."""
_SHOWN: Final = sa.text("interval '1 hour'")


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A refused request, for example ``POST /v1/traces``, and the reason in the response."""

    request: str
    status: int
    reason: str
    refused_at: datetime


def save_refused_request(project_id: str, request: str, status: int, reason: str) -> None:
    """Store a refused request; it replaces the project's previous one."""
    values = {"request": request, "status": status, "reason": reason}
    added = insert(refused_requests).values(project_id=project_id, **values)
    replaced = added.on_conflict_do_update(
        index_elements=["project_id"], set_={**values, "refused_at": sa.func.now()}
    )
    db.session.execute(replaced)


def last_refused_request(project_id: str) -> RefusedRequest | None:
    """Return the last refused request of the past hour, of the project or without a valid key."""
    columns = [refused_requests.c[name] for name in RefusedRequest.__dataclass_fields__]
    query = (
        sa.select(*columns)
        .where(
            refused_requests.c.project_id.in_((project_id, UNKNOWN_PROJECT)),
            refused_requests.c.refused_at > sa.func.now() - _SHOWN,
        )
        .order_by(refused_requests.c.refused_at.desc())
        .limit(1)
    )
    row = db.session.execute(query).one_or_none()
    return RefusedRequest(*row) if row else None
