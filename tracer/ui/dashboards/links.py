"""Addresses of the lists that show the rows of a chart's numbers."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import url_for

LISTS: Final = {
    "traces": "ui.trace_list",
    "scores": "ui.trace_list",
    "sessions": "ui.session_list",
    "spans": "ui.span_list",
    "generations": "ui.generation_list",
    "users": "ui.user_list",
}
"""The list that shows the rows of each grain; scores are shown with their traces."""


class Lists:
    """The addresses of the list of a grain; a chart has hundreds of them."""

    def __init__(self, project_id: str, grain: str) -> None:
        self._path = url_for(LISTS[grain], project_id=project_id)

    def url(self, query: str) -> str:
        """Return the address of the list that a query selects."""
        return f"{self._path}?q={quote(query, safe=':')}"
