"""A PostgreSQL that keeps ending is started after growing pauses, and the reason is known."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.serving import postmaster_pid
from tests.support.waiting import wait_until
from tracer.server.postgres import Embedded
from tracer.server.restarts import Restarts
from tracer.store.database.outage import outage, set_outage


def test_each_further_end_doubles_the_pause(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded = Embedded(data_dir)
    embedded.start()
    restarts = Restarts(embedded)
    try:
        for _ in range(2):
            os.kill(postmaster_pid(embedded), signal.SIGKILL)
            wait_until(lambda: embedded.postmaster() is None, "the end of PostgreSQL")
            restarts.ensure_running()
            assert embedded.postmaster() is None
            assert outage()
            wait_until(lambda: tended(restarts, embedded), "the next PostgreSQL")
        assert [line[-3:] for line in capsys.readouterr().err.splitlines()] == ["1 s", "2 s"]
    finally:
        embedded.stop()
        set_outage("")


def tended(restarts: Restarts, embedded: Embedded) -> bool:
    """Tend the server; return whether it runs."""
    restarts.ensure_running()
    return embedded.postmaster() is not None
