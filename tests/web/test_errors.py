"""Errors become answers in one place per API: every kind has a status, each API its own form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from flask import Blueprint, Flask
from google.rpc.status_pb2 import Status

from tracer.config import Config
from tracer.errors import ConfigError, TracerError
from tracer.ingestion.otlp import answer_errors
from tracer.web.langfuse import routes
from tracer.web.problems import STATUS, register_problems, status_of


def kinds(kind: type[TracerError]) -> Iterator[type[TracerError]]:
    """Yield what a route may raise: the tree without what stops a start."""
    if kind is not ConfigError:
        yield kind
        for below in kind.__subclasses__():
            yield from kinds(below)


def test_every_error_of_a_route_has_a_status() -> None:
    raised = [kind for kind in kinds(TracerError) if kind is not TracerError]
    assert len(raised) >= len(STATUS)
    # The status depends on the class alone, and some classes need more than a message.
    statuses = {kind.__name__: status_of(kind.__new__(kind)) for kind in raised}
    assert {name for name, status in statuses.items() if not 400 <= status < 600} == set()


@pytest.mark.parametrize(("kind", "status"), STATUS.items())
def test_each_api_answers_an_error_in_its_own_form(kind: type[TracerError], status: int) -> None:
    app = Flask("errors")

    def fail() -> str:
        raise kind("what was wrong")

    for name, register in (
        ("native", register_problems),
        ("langfuse", routes.register_refusals),
        ("otlp", answer_errors),
    ):
        bp = Blueprint(name, name, url_prefix=f"/{name}")
        bp.add_url_rule("/", view_func=fail)
        register(bp)
        app.register_blueprint(bp)
    client = app.test_client()
    native, langfuse, otlp = (client.get(f"/{name}/") for name in ("native", "langfuse", "otlp"))
    assert (native.status_code, native.get_json()["detail"]) == (status, "what was wrong")
    assert native.content_type == "application/problem+json"
    assert langfuse.status_code == status
    assert langfuse.get_json()["message"] == "what was wrong"
    assert otlp.status_code == status
    assert Status.FromString(otlp.data).message == "what was wrong"
    retried = {answer.headers.get("Retry-After") for answer in (native, langfuse, otlp)}
    assert (retried == {None}) == (status not in (429, 503))


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("DELETE", "/api/v1/traces/t", "application/problem+json"),
        ("DELETE", "/api/public/traces/t", "application/json"),
        ("POST", "/v1/traces", "application/x-protobuf"),
        ("GET", "/project/default/traces", "text/html; charset=utf-8"),
        ("GET", "/project/default/traces.json", "application/problem+json"),
    ],
)
def test_without_its_database_each_api_names_the_time_to_retry(
    make_app: Callable[[Config], Flask], config: Config, method: str, path: str, form: str
) -> None:
    gone = config.database_url.replace("/tests?", "/no_such_database?")
    client = make_app(dataclasses.replace(config, database_url=gone)).test_client()
    # A key is looked for in the database at once; the writer of a write would wait for it.
    key = {"Authorization": "Bearer secret"} if method == "POST" else {}
    answer = client.open(path, method=method, headers=key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.content_type == form
