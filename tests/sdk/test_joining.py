"""Beside other OpenTelemetry code: an existing provider, and installed instrumentations."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any, ClassVar

import pytest

import tracer.sdk as tracer
from tests.support.otlp_receiver import Receiver
from tests.support.programs import run_program
from tests.support.provider.model_server import model_server
from tests.support.serving import environ
from tracer.sdk import _instrument
from tracer.sdk._client import IDLE, state

JOINED = """
import tracer.sdk as tracer
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory = InMemorySpanExporter()
provider = TracerProvider(resource=Resource({"service.name": "theirs"}), sampler=SAMPLER)
provider.add_span_processor(SimpleSpanProcessor(memory))
trace.set_tracer_provider(provider)
tracer.init("URL", release="1.2")
assert trace.get_tracer_provider() is provider
"""


def program(receiver: Receiver, sampler: str, rest: str) -> str:
    """Run a program that has a provider of its own before it calls ``init``."""
    code = JOINED.replace("SAMPLER", sampler).replace("URL", receiver.url) + rest
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_existing_provider_is_joined_and_keeps_its_exporters(receiver: Receiver) -> None:
    printed = program(
        receiver,
        "sampling.ALWAYS_ON",
        "with tracer.agent('ours', input=1), provider.get_tracer('x').start_as_current_span('t'):\n"
        "    tracer.event('inside')\n"
        "print(sorted(span.name for span in memory.get_finished_spans()))\n"
        "print(memory.get_finished_spans()[-1].to_json())\n",
    )
    assert "['inside', 'ours', 't']" in printed
    assert '"name": "ours"' in printed
    assert receiver.names() == ["inside", "ours", "t"]
    assert {resource["service.name"] for resource in receiver.resources} == {"theirs"}
    assert "1.2" in {resource.get("tracer.release") for resource in receiver.resources}


def test_an_existing_provider_keeps_its_sampling(receiver: Receiver) -> None:
    program(receiver, "sampling.ALWAYS_OFF", "tracer.event('ours')\ntracer.init(sample=0.5)\n")
    assert receiver.names() == []


def test_a_disabled_opentelemetry_raises_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert "done" in run_program("with tracer.span('x'): print('done')", receiver)
    assert receiver.requests == []


def test_init_again_starts_over_with_the_new_settings(receiver: Receiver) -> None:
    tracer.init("http://127.0.0.1:1", exit_seconds=0.1)
    tracer.init(receiver.url)
    tracer.event("here")
    assert tracer.flush()
    assert receiver.names() == ["here"]
    tracer.init(enabled=False)
    assert state.client is IDLE


def test_an_installed_instrumentation_is_turned_on_and_its_calls_have_their_parent(
    receiver: Receiver,
) -> None:
    with model_server() as models:
        printed = run_program(
            f"""
            print(tracer.instrument("nosuch"))
            from openai import OpenAI
            client = OpenAI(base_url="{models}/v1", api_key="none")
            with tracer.agent("ours"):
                client.chat.completions.create(
                    model="gpt-4o", messages=[{{"role": "user", "content": "Why?"}}]
                )
            """,
            receiver,
        )
    assert "on=['openai (openinference)']" in printed
    assert "'nosuch': 'pip install opentelemetry-instrumentation-nosuch'" in printed
    spans = {span.name: span for span in receiver.ended()}
    assert spans["ChatCompletion"].parent_span_id == spans["ours"].span_id


class _Instrumentor:
    """An instrumentor like installed ones; its class notes what was turned on."""

    on: ClassVar[list[str]] = []
    is_instrumented_by_opentelemetry = False

    def _check_dependency_conflicts(self) -> None:
        return None

    def instrument(self, **options: Any) -> None:  # noqa: ARG002 - the signature is given
        self.on.append(type(self).__name__)


class Stock(_Instrumentor):
    """An instrumentor of OpenTelemetry."""


class Broken(_Instrumentor):
    """An instrumentor that does not fit the installed library."""

    def instrument(self, **options: Any) -> None:  # noqa: ARG002 - the signature is given
        raise ImportError("cannot import name")


class AsBroken(Broken):
    """Another one: entry points are identified by their classes."""


class _Distribution:
    def __init__(self, url: str) -> None:
        self.metadata = self
        self._url = url

    def get(self, name: str) -> str:  # noqa: ARG002 - the signature is given
        return ""

    def get_all(self, name: str) -> list[str]:  # noqa: ARG002 - the signature is given
        return [f"Homepage, {self._url}"]


def entry(name: str, kind: type, url: str) -> EntryPoint:
    point = EntryPoint(name, f"{kind.__module__}:{kind.__qualname__}", "g")
    vars(point)["dist"] = _Distribution(url)
    return point


@pytest.mark.usefixtures("spans")
def test_stock_instrumentations_are_off_until_named_and_a_broken_one_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    llmetry = "https://github.com/traceloop/openllmetry/tree/main/packages/x"
    contrib = "https://github.com/open-telemetry/opentelemetry-python-contrib"
    installed = [
        *(entry("openai", Broken, llmetry), entry("httpx", Stock, contrib)),
        entry("redis", AsBroken, contrib),
    ]
    monkeypatch.setattr(
        "importlib.metadata.entry_points",
        lambda group: EntryPoints(installed if group == _instrument._GROUPS[1] else []),
    )
    result = tracer.instrument()
    assert result.on == []
    assert result.off == {"openai (openllmetry)": "ImportError: cannot import name"}
    assert tracer.instrument("httpx", exclude=["openai"]).on == ["httpx (opentelemetry)"]
    assert _Instrumentor.on == ["Stock"]
    # An installed instrumentation that can't be turned on is not reported as missing.
    off = tracer.instrument("redis", exclude=["openai"]).off
    assert off == {"redis (opentelemetry)": "ImportError: cannot import name"}


@pytest.mark.usefixtures("spans")
def test_a_missing_framework_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert not tracer.celery()
    assert "pip install opentelemetry-instrumentation-celery" in caplog.text
