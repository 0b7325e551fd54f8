"""The measured server: starts and stops ``tracer serve``, and reads its memory and CPU time."""

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
_TIMEOUT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.005


class Memory(NamedTuple):
    """Bytes of all processes of a server; PSS divides shared pages by their users, RSS does not."""

    pss: int
    rss: int


class Cpu(NamedTuple):
    """Seconds of CPU time of a server, and of its PostgreSQL."""

    server: float
    database: float


class Family:
    """A running ``tracer serve`` on a port and a data directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.with_name("serve.log")
        started_at = time.perf_counter()
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
        self._await_response()
        self.start_seconds = time.perf_counter() - started_at

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, bool]:
        """Return the body of a page, and whether it is compressed.

        Raises RuntimeError for any other status than 200.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", **(headers or {})})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"GET {path}: status {response.status}")
        return body, response.getheader("Content-Encoding") == "gzip"

    def processes(self) -> list[psutil.Process]:
        """Return the parent and its children, without PostgreSQL."""
        parent = psutil.Process(self._process.pid)
        family = [parent, *parent.children(recursive=True)]
        return [process for process in family if not _ended_or_of_postgres(process)]

    def memory(self) -> Memory:
        """Return the current memory of the server."""
        infos = []
        for process in self.processes():
            try:
                infos.append(process.memory_full_info())
            except psutil.NoSuchProcess:
                continue  # it ended since it was listed
        return Memory(
            # PSS exists only on Linux.
            pss=sum(getattr(info, "pss", info.rss) for info in infos),
            rss=sum(info.rss for info in infos),
        )

    def cpu(self) -> Cpu:
        """Return the CPU time so far of the processes that are running."""
        postmaster = Embedded(self.data_dir).postmaster()
        assert postmaster is not None
        database = psutil.Process(postmaster.pid)
        backends = [database, *database.children(recursive=True)]
        return Cpu(_spent(self.processes()), _spent(backends))

    def stop(self) -> None:
        """Stop the server with SIGTERM, and wait for its end."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(_TIMEOUT_SECONDS)

    def _await_response(self) -> None:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
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
        return True  # the analysis process runs only from time to time


@contextmanager
def family() -> Iterator[Family]:
    """Run a server on a temporary data directory for the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as path:
        # PostgreSQL may run as another user, which needs access.
        os.chmod(path, 0o755)
        running = Family(Path(path) / "data")
        try:
            yield running
        finally:
            running.stop()


class PeakMemory:
    """Samples a server's memory once a second during a block; ``peak`` is the maximum."""

    def __init__(self, server: Family) -> None:
        self.peak = Memory(0, 0)
        self._family = server
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> PeakMemory:
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
    """Return the environment without settings of Tracer, which would change the results."""
    settings = ("TRACER_", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
