"""Flask and Celery through the stock instrumentations, in an environment that has them."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.support import environments
from tests.support.environments import OTEL, CannotInstall
from tests.support.otlp_receiver import Receiver
from tests.support.serving import environ
from tests.support.waiting import wait_until

NEEDS = (
    *(*OTEL, "flask", "opentelemetry-instrumentation-flask"),
    *("celery", "opentelemetry-instrumentation-celery"),
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


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with both frameworks."""
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
    """Return the names of a span and of all that it is below of."""
    by_id = {span.span_id: span for span in receiver.ended()}
    span = next(span for span in by_id.values() if span.name == name)
    names = [span.name]
    while span.parent_span_id in by_id:
        span = by_id[span.parent_span_id]
        names.append(span.name)
    return names


def said(receiver: Receiver, name: str) -> dict[str, str]:
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
    assert said(receiver, "look up")["session.id"] == "s-1"
    assert said(receiver, "GET /orders/<id>")["user.id"] == "u-7"


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
        wait_until(lambda: "inside the task" in receiver.names(), "what it did")
    finally:
        worker.terminate()
        worker.wait(30)
    found = chain(receiver, "inside the task")
    assert found == ["inside the task", "run/jobs.work", "apply_async/jobs.work", "sender"]
    assert said(receiver, "inside the task")["session.id"] == "s-1"
