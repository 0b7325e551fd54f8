"""``python -m bench.peers VENV``: sends the same loads to Tracer, Phoenix and MLflow.

VENV is a virtual environment with ``arize-phoenix`` and ``mlflow``. A span counts once it can be
opened: some servers acknowledge before they store. Bytes are those of all files of the data
directory before and after the load, the server stopped, which makes databases write their logs.
"""

from __future__ import annotations

import http.client
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import click

from bench.agents.load import LOADS, conversation, last_generation, spans_of
from bench.load import Template
from bench.peers.systems import SYSTEMS, System, environment

CLIENTS: Final = 4
_PATIENCE: Final = 600.0
_TRIES: Final = 200


class Result(NamedTuple):
    """The figures of one system under one load."""

    spans: int
    seconds: float
    """From the first request until the last span can be opened."""
    size: int
    """Bytes that the load added to the data directory."""
    opening: float
    """Seconds, the median of ten times that the last generation is opened."""


@click.command()
@click.argument("venv", type=click.Path(exists=True, path_type=Path))
@click.option("--traces", default=5, show_default=True, help="Traces of the agent load.")
@click.option("--only", multiple=True, help="A system to measure; repeatable.")
@click.option("--requests", default=100, show_default=True, help="Requests of the 1 kB load.")
def main(venv: Path, traces: int, only: tuple[str, ...], requests: int) -> None:
    """Print a table of all systems under both loads."""
    agent = [list(conversation(LOADS[0], seed)) for seed in range(traces)]
    # A template of its own for each request: the ids of spans differ as well.
    bodies = [Template(seed).fresh() for seed in range(1, requests + 1)]
    small = [bodies[number::CLIENTS] for number in range(CLIENTS)]
    click.echo("| load | system | spans/s | kB/span on disk | opening the last generation |")
    click.echo("| --- | --- | ---: | ---: | ---: |")
    for name, load in (("agent, 40 turns", agent), ("1 kB spans", small)):
        for system in SYSTEMS:
            if only and system.name not in only:
                continue
            try:
                result = measure(system, venv / "bin", load)
            except (OSError, RuntimeError) as error:
                click.echo(f"| {name} | {system.name} | failed: {error} | | |")
                continue
            rate, size = result.spans / result.seconds, result.size / result.spans / 1000
            opening = f"{result.opening * 1000:.0f} ms"
            click.echo(f"| {name} | {system.name} | {rate:,.0f} | {size:.1f} | {opening} |")


def measure(system: System, scripts: Path, load: Sequence[Sequence[bytes]]) -> Result:
    """Start a system with an empty store, send a load of several clients, and stop it."""
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        data = Path(folder)
        # A first start makes the tables; a small load, what is made with the first span.
        with running(system, scripts, data) as port:
            warm = Template(0).fresh()
            post(port, system, [warm])
            _await_span(system, port, *last_generation([warm]))
        before = size_of(data)
        with running(system, scripts, data) as port:
            started_at = time.perf_counter()
            threads = [
                threading.Thread(target=post, args=(port, system, _joined(load[number::CLIENTS])))
                for number in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            last = [last_generation(bodies) for bodies in load]
            for trace_id, span_id in last:
                _await_span(system, port, trace_id, span_id)
            seconds = time.perf_counter() - started_at
            opening = median(_timed(system, port, *last[-1]) for _ in range(10))
        spans = sum(1 for bodies in load for body in bodies for _ in spans_of(body))
        return Result(spans, seconds, size_of(data) - before, opening)


@contextmanager
def running(system: System, scripts: Path, data: Path) -> Iterator[int]:
    """Run a system on a free port until the block ends."""
    port = _free_port()
    with (data.parent / f"{data.name}.log").open("wb") as log:
        process = subprocess.Popen(
            system.command(scripts, data, port),
            env=environment(system, scripts, data, port),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data,
        )
    try:
        _await_ready(system, process, port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def post(port: int, system: System, bodies: Iterable[bytes]) -> None:
    """Send requests one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {"Content-Type": "application/x-protobuf", **system.headers}
    for body in bodies:
        for _ in range(_TRIES):
            connection.request("POST", "/v1/traces", body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status not in (429, 503):
                break
            time.sleep(0.5)
        if response.status >= 300:
            raise RuntimeError(f"{system.name}: {response.status} {answer[:200]!r}")
    connection.close()


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _joined(lists: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [body for bodies in lists for body in bodies]


def _timed(system: System, port: int, trace_id: str, span_id: str) -> float:
    started_at = time.perf_counter()
    system.open_span(port, trace_id, span_id)
    return time.perf_counter() - started_at


def _await_span(system: System, port: int, trace_id: str, span_id: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            if _shows_call(system.open_span(port, trace_id, span_id)):
                return
        except (OSError, RuntimeError):
            pass
        if time.monotonic() > until:
            raise RuntimeError(f"{system.name}: span {span_id} can't be opened")
        time.sleep(0.05)


def _shows_call(answer: bytes) -> bool:
    """Return whether an answer shows a model call, and not that it is missing."""
    return b"gpt-4o" in answer


def _await_ready(system: System, process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", system.ready)
            if connection.getresponse().status < 400:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{system.name} did not start")


def _free_port() -> int:
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as http_probe, socket.socket() as grpc_probe, suppress(OSError):
            http_probe.bind(("127.0.0.1", port))
            grpc_probe.bind(("127.0.0.1", port + 1))
            return port


if __name__ == "__main__":
    main()
