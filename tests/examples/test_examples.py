"""Every example runs as it is, against a stand-in for the model, and becomes one whole trace."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.examples.examples import EXAMPLES, INSTALLED, OPENAI, SERVICES, Example
from tests.support import environments
from tests.support.environments import CannotInstall
from tests.support.http import free_port, get_bytes
from tests.support.otlp_receiver import Receiver, receiving
from tests.support.paths import ROOT
from tests.support.provider.model_server import model_server
from tests.support.serving import environ
from tests.support.waiting import wait_until

FOLDER = ROOT / "examples"


def attributes(span: Span) -> dict[str, Any]:
    """Return a span's attributes, those that are plain."""
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in span.attributes
        if pair.value.WhichOneof("value")
    }


def environment(models: str, receiver: Receiver, **more: str) -> dict[str, str]:
    """Return the variables that an example is run with."""
    return environ(
        TRACER_ENDPOINT=receiver.url,
        OPENAI_BASE_URL=f"{models}/v1",
        OPENAI_API_KEY="none",
        ANTHROPIC_BASE_URL=models,
        ANTHROPIC_API_KEY="none",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        OPENAI_AGENTS_DISABLE_TRACING="0",
        **more,
    )


def check(example: Example, python: Path, home: Path) -> None:
    """Run an example and look at what arrived."""
    with model_server() as models, receiving() as receiver:
        done = subprocess.run(
            [python, FOLDER / example.script],
            env=environment(models, receiver, HOME=str(home)),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=180,
        )
        spans = receiver.ended()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert example.says in done.stdout
    match = re.search(r"/project/default/traces/([0-9a-f]{32})", done.stdout)
    assert match is not None, output
    assert {span.trace_id.hex() for span in spans} == {match[1]}, output
    check_whole(spans, example.root)
    assert [span for span in spans if calls_a_model(span)], [span.name for span in spans]


def check_whole(spans: list[Span], root: str) -> None:
    """Every span has its parent, up to the one root."""
    ids = {span.span_id for span in spans}
    roots = [span.name for span in spans if not span.parent_span_id]
    assert roots == [root]
    assert all(span.parent_span_id in ids for span in spans if span.parent_span_id)


def calls_a_model(span: Span) -> bool:
    """Say whether a span names a model and the tokens it took."""
    sent = attributes(span)
    model = sent.get("gen_ai.request.model") or sent.get("llm.model_name")
    tokens = sent.get("gen_ai.usage.input_tokens") or sent.get("llm.token_count.prompt")
    return bool(model) and bool(tokens)


def test_the_example_of_openai_runs(tmp_path: Path) -> None:
    check(OPENAI, Path(sys.executable), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("example", INSTALLED, ids=lambda example: example.script)
def test_an_example_runs(example: Example, tmp_path: Path) -> None:
    try:
        python = environments.python(example.environment, example.requirements)
    except CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")
    check(example, python, tmp_path)


@contextmanager
def service(python: Path, script: str, port: int, **variables: str) -> Iterator[str]:
    """Run a script that serves at ``port`` while the block runs; gives its URL."""
    process = subprocess.Popen(
        [python, FOLDER / script], env=environ(PORT=str(port), **variables), cwd=ROOT
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def listens(url: str) -> bool:
    """Say whether anybody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def ask_two_services(python: Path, receiver: Receiver) -> Any:
    """Start both, ask the first, and wait for the spans of the second."""
    variables = {"TRACER_ENDPOINT": receiver.url}
    with (
        service(python, "two_services/worker.py", free_port(), **variables) as worker,
        service(python, "two_services/api.py", free_port(), WORKER_URL=worker, **variables) as api,
    ):
        wait_until(lambda: listens(worker) and listens(api), "both services")
        answer = json.loads(get_bytes(f"{api}/ask?question=Why&user=user-7"))
        wait_until(lambda: {"think", "GET /ask"} <= set(receiver.names()), "spans of both")
    return answer


@pytest.mark.slow
def test_two_services_make_one_trace() -> None:
    try:
        python = environments.python(SERVICES.environment, SERVICES.requirements)
    except CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")
    with receiving() as receiver:
        answer = ask_two_services(python, receiver)
    assert answer["answer"] == "Because."
    trace_id = answer["trace"].rpartition("/")[2]
    spans = [span for span in receiver.ended() if span.trace_id.hex() == trace_id]
    check_whole(spans, SERVICES.root)
    sent = {span.name: attributes(span) for span in spans}
    assert sent["think"]["session.id"] == "chat-1"
    assert sent["think"]["user.id"] == "user-7"
    assert {resource["service.name"] for resource in receiver.resources} == {"api", "worker"}


def test_every_example_is_tested_and_listed() -> None:
    page = (FOLDER / "README.md").read_text()
    scripts = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.py")}
    assert scripts - {"two_services/worker.py"} == {example.script for example in EXAMPLES}
    for example in EXAMPLES:
        assert f"({example.script})" in page
        wanted = (FOLDER / example.script).read_text().partition('"""\n\n')[0]
        for package in example.requirements[len(environments.OTEL) :]:
            assert package in wanted, (example.script, package)
