"""`tracer serve` and the other commands, run as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.http import free_port
from tests.support.paths import ROOT
from tests.support.waiting import wait_until
from tracer.server.postgres import Embedded

# A long limit, since the machine may be busy; no test measures it.
START_SECONDS = 120.0


class Serve:
    """A running ``tracer serve``: its process, its address and what it printed."""

    def __init__(
        self,
        *args: str,
        data_dir: Path | None = None,
        port: int | None = None,
        code: Path = ROOT,
        **more: str,
    ):
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        where = ["--data-dir", str(data_dir)] if data_dir else []
        self.process = subprocess.Popen(
            command("serve", "--port", str(self.port), *where, *args),
            env=environ(PYTHONPATH=str(code), **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own, so that a test can press Ctrl-C for all of it.
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_ready(self) -> Serve:
        """Return once the server has printed "Ready"; fail with its output if it ends instead."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            # Not by a request: the workers of a killed server still answer those.
            if any(line.startswith("Ready") for line in self._lines):
                return self
            if self.process.poll() is not None:
                raise AssertionError(f"tracer serve ended:\n{self.output()}")
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"tracer serve did not become ready:\n{self.output()}")

    def output(self) -> str:
        """Return all that an ended server printed."""
        self._reader.join(START_SECONDS)
        return "".join(self._lines)

    def printed(self) -> str:
        """Return what a running server has printed so far."""
        return "".join(self._lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self._lines.extend(lines)

    def members(self) -> list[psutil.Process]:
        """Return the parent, the web workers and the background worker, without PostgreSQL."""
        parent = psutil.Process(self.process.pid)
        family = [parent, *parent.children(recursive=True)]
        return [process for process in family if not process.name().startswith("postgres")]

    def background_worker(self) -> psutil.Process:
        """Return the background worker, once it has started."""
        started: list[psutil.Process] = []

        def has_started() -> bool:
            members = self.members()
            started[:] = [p for p in members if p.cmdline()[-1:] == ["tracer.worker"]]
            return bool(started)

        wait_until(has_started, "a background worker")
        return started[0]

    def stop(self, order: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit status."""
        self.process.send_signal(order)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill the parent alone, as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(10)


def postmaster_pid(embedded: Embedded) -> int:
    """Return the process id of a running embedded PostgreSQL."""
    postmaster = embedded.postmaster()
    assert postmaster is not None
    return postmaster.pid


@contextmanager
def serving(
    *args: str,
    data_dir: Path | None = None,
    port: int | None = None,
    code: Path = ROOT,
    **more: str,
) -> Iterator[Serve]:
    """Run ``tracer serve`` of ``code`` while the block runs, and stop it whatever happens there.

    ``more`` are environment variables.
    """
    serve = Serve(*args, data_dir=data_dir, port=port, code=code, **more)
    try:
        yield serve.wait_ready()
    finally:
        if serve.process.poll() is None:
            serve.stop()
        serve.output()


def as_owner(path: Path) -> dict[str, Any]:
    """Return the arguments that run a subprocess as the owner of ``path``, where we are root."""
    if os.geteuid() != 0:
        return {}
    owner = path.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": [], "cwd": "/"}


def run_tracer(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run ``tracer`` with ``args`` to its end; ``more`` are environment variables."""
    return subprocess.run(
        command(*args), env=environ(**more), capture_output=True, text=True, timeout=60
    )


def command(*args: str) -> list[str]:
    """Return the command line of ``tracer`` with these arguments."""
    return [sys.executable, "-P", "-m", "tracer", *args]


def environ(**more: str) -> dict[str, str]:
    """Return the environment without Tracer's settings, with this checkout on the path."""
    ours = ("TRACER_", "DATABASE_URL", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}
