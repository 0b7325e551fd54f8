"""Errors as people see them: a page with a sentence, or the line of the form that htmx sent."""

from __future__ import annotations

import pytest
from flask import Flask

from tracer.errors import Busy, NotFound, Overloaded, StoreUnavailable, TracerError, Unstorable
from tracer.store.database.paging import BadCursor
from tracer.web.problems import STATUS

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def failing(app: Flask, error: TracerError) -> None:
    """Serve ``error`` at /fail."""

    def fail() -> str:
        raise error

    app.add_url_rule("/fail", view_func=fail)


@pytest.mark.parametrize("kind", STATUS)
def test_every_error_is_a_page_with_its_status(own_app: Flask, kind: type[TracerError]) -> None:
    failing(own_app, kind("what was wrong"))
    page = own_app.test_client().get("/fail")
    assert page.status_code == STATUS[kind]
    assert page.content_type == "text/html; charset=utf-8"
    assert ("Retry-After" in page.headers) == (kind in (Busy, Overloaded, StoreUnavailable))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NotFound.of("trace", "t"), "This project has no trace “t”."),
        (StoreUnavailable("no route to host"), "No route to host. Try again in a moment."),
        (BadCursor("not ours"), "Start again from the first page."),
        (Unstorable("too long"), "Not changed: too long."),
    ],
)
def test_the_page_describes_the_error_in_a_sentence(
    own_app: Flask, error: TracerError, sentence: str
) -> None:
    failing(own_app, error)
    assert sentence in own_app.test_client().get("/fail").text


def test_a_form_that_htmx_sent_gets_a_line(own_app: Flask) -> None:
    failing(own_app, Unstorable("too long"))
    line = own_app.test_client().get("/fail", headers=FRAGMENT)
    assert (line.status_code, line.text) == (422, "Not changed: too long.")
    assert line.content_type == "text/plain; charset=utf-8"
