"""Answers that a browser saves as a file."""

from __future__ import annotations

from flask import Response

from tracer.export.formats import plain_name

_MAX_NAME_LENGTH = 60


def attachment(body: str, title: str, suffix: str, content_type: str) -> Response:
    """Return a file whose name is made of a title and a suffix like ``.csv``."""
    response = Response(body, content_type=content_type)
    name = f"{plain_name(title, _MAX_NAME_LENGTH)}{suffix}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
