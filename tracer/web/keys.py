"""The project of a request to an API, which its key or token opens."""

from __future__ import annotations

from flask import g


def project_id() -> str:
    """Return the project that this request may read and write."""
    return str(g.project_id)
