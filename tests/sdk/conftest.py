"""Fixtures for tests of the SDK: an endpoint, a recording, and a clean environment."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import tracer.sdk as tracer
from tests.support.otlp_receiver import Receiver, receiving
from tracer.sdk._config import logger
from tracer.sdk.testing import Recording, recording


@pytest.fixture
def spans() -> Iterator[Recording]:
    """Everything that the test records, in memory."""
    with recording() as recorded:
        yield recorded


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An OTLP endpoint; the client of the test ends with it."""
    with receiving() as endpoint:
        yield endpoint
        endpoint.released.set()
        tracer.shutdown(0.5)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the machine's settings from the test, and let it log as much as any other."""
    monkeypatch.setattr(logger, "_minute", 0)
    for name in list(os.environ):
        if name.startswith(("TRACER_", "OTEL_")) and name != "TRACER_INSTRUMENTATIONS":
            monkeypatch.delenv(name)
