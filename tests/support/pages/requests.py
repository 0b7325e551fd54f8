"""Requests for pages: for a fragment as htmx sends it, and of a form on one of our pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.pages.dom import Element

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
"""The headers with which htmx requests a part of a page."""
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
"""What a browser sends with a form of our own page."""

StoreTraces = Callable[..., None]
"""Stores traces, in the default project unless another is named."""
GetPage = Callable[..., Element]
"""Gets a path under /project/default as a parsed document."""


def post_form(client: FlaskClient, path: str, status: int = 303, **form: Any) -> TestResponse:
    """Post a form as one of our own pages does; return the response with this status."""
    answer = client.post(path, data=form, headers=SAME_ORIGIN)
    assert answer.status_code == status, answer.text
    return answer
