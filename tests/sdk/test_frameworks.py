"""Web frameworks, Celery and uWSGI, in an environment that has them."""

from __future__ import annotations

import socket
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.support import environments
from tests.support.environments import OTEL, CannotInstall
from tests.support.http import free_port, get_bytes
from tests.support.otlp_receiver import Receiver
from tests.support.serving import environ
from tests.support.waiting import wait_until

NEEDS = (
    *(*OTEL, "flask", "opentelemetry-instrumentation-flask"),
    *("celery", "opentelemetry-instrumentation-celery"),
    *("django", "fastapi", "httpx", "pyuwsgi"),
)
FLASK = """
    import tracer.sdk as tracer
    from flask import Flask

    tracer.init()
    app = Flask("shop")
    assert tracer.flask(app)

    @app.get("/orders/<id>")
    def order(id):
        with tracer.tool("look up", input=id):
            return "found"

    with tracer.session("s-1", user="u-7"), tracer.span("caller"):
        sent = tracer.headers()
    assert app.test_client().get("/orders/7", headers=sent).text == "found"
"""
CELERY = """
    import tracer.sdk as tracer
    from celery import Celery

    tracer.init(flush_seconds=0.01)
    assert tracer.celery()
    app = Celery("jobs", broker="filesystem://")
    app.conf.broker_transport_options = {
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"
    }

    @app.task
    def work(number):
        with tracer.tool("inside the task"):
            return number

    if __name__ == "__main__":
        with tracer.session("s-1"), tracer.span("sender"):
            work.delay(1)
"""


RESPONSES = """
    import tracer.sdk as tracer
    import django, flask
    from django.conf import settings
    from django.http import StreamingHttpResponse
    from django.test import Client as DjangoClient
    from django.urls import path
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse
    from fastapi.testclient import TestClient

    tracer.init()

    def body(name):
        yield "a"
        tracer.event(f"inside {name}")
        yield "b"

    async def body_async(name):
        yield "a"
        tracer.event(f"inside {name}")
        yield "b"

    api = FastAPI()

    @api.get("/sync")
    @tracer.observe(name="fastapi sync")
    @tracer.session("s-1")
    def sync():
        return StreamingResponse(body("fastapi sync"))

    @api.get("/async")
    @tracer.observe(name="fastapi async")
    @tracer.session("s-1")
    async def coroutine():
        return StreamingResponse(body_async("fastapi async"))

    with TestClient(api) as client:
        assert [client.get(path).text for path in ("/sync", "/async")] == ["ab", "ab"]

    app = flask.Flask("shop")

    @app.get("/")
    @tracer.observe(name="flask")
    @tracer.session("s-1")
    def view():
        return flask.Response(body("flask"))

    assert app.test_client().get("/").text == "ab"

    @tracer.observe(name="django")
    @tracer.session("s-1")
    def page(request):
        return StreamingHttpResponse(body("django"))

    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
    urlpatterns = [path("", page)]
    django.setup()
    assert b"".join(DjangoClient().get("/").streaming_content) == b"ab"
"""
UWSGI = """
    import os
    import tracer.sdk as tracer

    tracer.init()
    tracer.event("preloading")

    def application(environ, start_response):
        with tracer.span(f"request in {os.getpid()}"):
            start_response("200 OK", [])
            return [b"ok"]
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the frameworks."""
    try:
        return environments.python("sdk-frameworks", NEEDS)
    except CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")


def run(python: Path, script: Path, receiver: Receiver) -> None:
    done = subprocess.run(
        [python, script],
        env=environ(TRACER_ENDPOINT=receiver.url),
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def chain(receiver: Receiver, name: str) -> list[str]:
    """Return the names of a span and of its ancestors."""
    by_id = {span.span_id: span for span in receiver.ended()}
    span = next(span for span in by_id.values() if span.name == name)
    names = [span.name]
    while span.parent_span_id in by_id:
        span = by_id[span.parent_span_id]
        names.append(span.name)
    return names


def attributes(receiver: Receiver, name: str) -> dict[str, str]:
    span = next(span for span in receiver.ended() if span.name == name)
    return {pair.key: pair.value.string_value for pair in span.attributes}


@pytest.mark.slow
def test_a_request_to_flask_is_part_of_its_callers_trace(
    python: Path, receiver: Receiver, tmp_path: Path
) -> None:
    script = tmp_path / "shop.py"
    script.write_text(textwrap.dedent(FLASK))
    run(python, script, receiver)
    assert chain(receiver, "look up") == ["look up", "GET /orders/<id>", "caller"]
    assert attributes(receiver, "look up")["session.id"] == "s-1"
    assert attributes(receiver, "GET /orders/<id>")["user.id"] == "u-7"


@pytest.mark.slow
def test_a_task_of_celery_is_part_of_the_trace_that_sent_it(
    python: Path, receiver: Receiver, tmp_path: Path
) -> None:
    script = tmp_path / "jobs.py"
    script.write_text(textwrap.dedent(CELERY))
    (tmp_path / "queue").mkdir()
    run(python, script, receiver)
    command = [python, "-m", "celery", "-A", "jobs", "worker", "--concurrency", "1"]
    worker = subprocess.Popen(
        command,
        env=environ(TRACER_ENDPOINT=receiver.url),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # The task runs in a forked child of the worker.
        wait_until(lambda: "run/jobs.work" in receiver.names(), "the task")
        wait_until(lambda: "inside the task" in receiver.names(), "the span inside the task")
    finally:
        worker.terminate()
        worker.wait(30)
    path = chain(receiver, "inside the task")
    assert path == ["inside the task", "run/jobs.work", "apply_async/jobs.work", "sender"]
    assert attributes(receiver, "inside the task")["session.id"] == "s-1"


@pytest.mark.slow
def test_the_span_of_a_streaming_response_lasts_until_its_body_is_sent(
    python: Path, receiver: Receiver, tmp_path: Path
) -> None:
    script = tmp_path / "responses.py"
    script.write_text(textwrap.dedent(RESPONSES))
    run(python, script, receiver)
    for name in ("fastapi sync", "fastapi async", "flask", "django"):
        assert chain(receiver, f"inside {name}")[:2] == [f"inside {name}", name]
        assert attributes(receiver, name)["tracer.output"] == '"ab"'
        assert attributes(receiver, f"inside {name}")["session.id"] == "s-1"


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "4"])
def test_workers_of_uwsgi_deliver_while_they_live(
    python: Path, receiver: Receiver, tmp_path: Path, threads: str
) -> None:
    script = tmp_path / "application.py"
    script.write_text(textwrap.dedent(UWSGI))
    port = free_port()
    command = [python.with_name("uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--master"]
    options = ["--processes", "3", "--threads", threads, "--enable-threads", "--die-on-term"]
    server = subprocess.Popen(
        [*command, *options, "--wsgi-file", script],
        env=environ(TRACER_ENDPOINT=receiver.url),
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(port), "uWSGI")
        for _ in range(30):
            assert get_bytes(f"http://127.0.0.1:{port}") == b"ok"
        wait_until(lambda: len(receiver.ended()) >= 31, "the spans of the living workers")
    finally:
        server.terminate()
        server.wait(30)
    assert len(set(receiver.names())) > 2
    assert len({span.span_id for span in receiver.ended()}) == len(receiver.ended())
    assert len({span.trace_id for span in receiver.ended()}) == len(receiver.ended())


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
