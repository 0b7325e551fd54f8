"""What tests of the SDK share: an endpoint, a recording, and a client that ends with its test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tracer.sdk as tracer
from tests.support.otlp_receiver import Receiver, receiving
from tracer.sdk.testing import Recording, recording


@pytest.fixture
def spans() -> Iterator[Recording]:
    """Everything that is recorded, in memory."""
    with recording() as recorded:
        yield recorded


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An OTLP endpoint, and no client left when it goes."""
    with receiving() as endpoint:
        yield endpoint
        endpoint.released.set()
        tracer.shutdown(0.5)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the machine must not reach the tests."""
    import os

    for name in list(os.environ):
        if name.startswith(("TRACER_", "OTEL_")) and name != "TRACER_INSTRUMENTATIONS":
            monkeypatch.delenv(name)
