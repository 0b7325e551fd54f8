"""The project of the current API request, which its key or token selects."""

from __future__ import annotations

from flask import g


def current_project_id() -> str:
    """Return the project that this request may read and write."""
    return str(g.project_id)
