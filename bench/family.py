"""The server family under measurement: start it, ask it, weigh it, stop it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from tracer.server.postgres import Embedded

ROOT: Final = Path(__file__).parent.parent
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.005


class Memory(NamedTuple):
    """Bytes of all processes of a family: pages shared by two count half each, or twice."""

    pss: int
    rss: int


class Cpu(NamedTuple):
    """Seconds of processor time of a family, and of its PostgreSQL."""

    server: float
    database: float


class Family:
    """A running ``tracer serve`` on a port and a data directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.with_name("serve.log")
        began = time.perf_counter()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "tracer", "serve"),
                    *("--port", str(self.port), "--data-dir", str(data_dir)),
                ],
                env=_environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await_answer()
        self.start_seconds = time.perf_counter() - began

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, bool]:
        """Return the body of a page, and whether it came compressed. Fails on any other status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", **(headers or {})})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: status {answer.status}")
        return body, answer.getheader("Content-Encoding") == "gzip"

    def processes(self) -> list[psutil.Process]:
        """Return the parent and its children, without PostgreSQL."""
        parent = psutil.Process(self._process.pid)
        family = [parent, *parent.children(recursive=True)]
        return [process for process in family if not _ended_or_of_postgres(process)]

    def memory(self) -> Memory:
        """Return what the family occupies now."""
        found = []
        for process in self.processes():
            try:
                found.append(process.memory_full_info())
            except psutil.NoSuchProcess:
                continue  # it ended since it was listed
        return Memory(
            # Only Linux shares out what processes have in common.
            pss=sum(getattr(info, "pss", info.rss) for info in found),
            rss=sum(info.rss for info in found),
        )

    def cpu(self) -> Cpu:
        """Return what was spent so far, by processes that still live."""
        postmaster = Embedded(self.data_dir).postmaster()
        assert postmaster is not None
        database = psutil.Process(postmaster.pid)
        backends = [database, *database.children(recursive=True)]
        return Cpu(_spent(self.processes()), _spent(backends))

    def stop(self) -> None:
        """Stop the server as an operator does, and wait for its end."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(_PATIENCE_SECONDS)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.get("/healthz")
                return
            except OSError:
                if self._process.poll() is not None:
                    break
            time.sleep(_POLL_SECONDS)
        self.stop()
        raise RuntimeError(f"tracer serve did not start:\n{self.log.read_text()}")


def _ended_or_of_postgres(process: psutil.Process) -> bool:
    try:
        return process.name().startswith("postgres")
    except psutil.NoSuchProcess:
        return True  # what analyses large traces comes and goes


@contextmanager
def family() -> Iterator[Family]:
    """Run a server on a fresh, temporary data directory while the block runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        # PostgreSQL may run as another user, who has to get here.
        os.chmod(path, 0o755)
        running = Family(Path(path) / "data")
        try:
            yield running
        finally:
            running.stop()


class Scale:
    """Weighs a family once a second while its block runs; ``peak`` is the most there was."""

    def __init__(self, weighed: Family) -> None:
        self.peak = Memory(0, 0)
        self._family = weighed
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Scale:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            now = self._family.memory()
            self.peak = Memory(max(self.peak.pss, now.pss), max(self.peak.rss, now.rss))
            if self._done.wait(1.0):
                return


def _spent(processes: list[psutil.Process]) -> float:
    seconds = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return seconds


def _environ() -> dict[str, str]:
    """Return the environment without settings that would change what is measured."""
    ours = ("TRACER_", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
