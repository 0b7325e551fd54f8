"""The overhead of the SDK: calls, memory while the server is unreachable, and import time."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click

from bench.family import ROOT
from bench.figures import Figure, Sizes
from bench.sink import sink

_PROGRAMS: Final = Path(__file__).with_name("sdk_calls")
_PEER: Final = ROOT / ".cache" / "bench" / "langfuse"
_IMPORT: Final = "import time; s = time.process_time(); import {}; print(time.process_time() - s)"
_TITLES: Final = {
    "observed": "an observed call of nothing",
    "generation": "a generation with 2 kB of messages",
}
_MAX_MICROSECONDS: Final = {"observed": 25.0, "generation": 60.0}


def measure(sizes: Sizes) -> list[Figure]:
    """Return the figures; with Langfuse's SDK if requested and installable."""
    here = Path(sys.executable)
    peer = _peer() if sizes.sdk_peer else None
    figures = _calls(here, peer, sizes) + _memory(here, sizes)
    figures += [
        _import(here, "tracer.sdk", "sdk_import", sizes),
        _import(here, "opentelemetry.sdk.trace.export", "sdk_import_bare", sizes),
    ]
    if peer is not None:
        figures.append(_import(peer, "langfuse", "sdk_import_langfuse", sizes))
    return figures


def _calls(here: Path, peer: Path | None, sizes: Sizes) -> list[Figure]:
    programs = {"": (here, "ours.py"), "_bare": (here, "bare.py")}
    if peer is not None:
        programs["_langfuse"] = (peer, "peer.py")
    runs_by_sdk: dict[str, list[dict[str, float]]] = {suffix: [] for suffix in programs}
    with sink() as url:
        # Alternately, so that other load on the machine affects all of them.
        for _ in range(sizes.rounds):
            for suffix, (python, program) in programs.items():
                arguments = [str(sizes.sdk_calls), "5"]
                runs_by_sdk[suffix].append(_run(python, program, arguments, SINK=url))
    titles = {"": "SDK: ", "_bare": "… bare OpenTelemetry: ", "_langfuse": "… Langfuse's SDK: "}
    return [
        Figure(
            f"sdk_{call}{suffix}",
            titles[suffix] + title,
            min(run[call] for run in runs),
            "µs",
            maximum=None if suffix else _MAX_MICROSECONDS[call],
        )
        for call, title in _TITLES.items()
        for suffix, runs in runs_by_sdk.items()
    ]


def _memory(here: Path, sizes: Sizes) -> list[Figure]:
    result = _run(here, "offline.py", [str(sizes.sdk_offline)])
    title = f"SDK: memory after {sizes.sdk_offline:,} spans, the server away"
    return [Figure("sdk_memory", title, max(result["megabytes"], 0.1), "MB", maximum=100)]


def _import(python: Path, module: str, name: str, sizes: Sizes) -> Figure:
    seconds = [_output(python, ["-c", _IMPORT.format(module)]) for _ in range(sizes.sdk_imports)]
    value = statistics.median(map(float, seconds)) * 1_000
    return Figure(name, f"import {module}, processor time", value, "ms")


def _run(python: Path, program: str, arguments: list[str], **more: str) -> Any:
    return json.loads(_output(python, [str(_PROGRAMS / program), *arguments], **more))


def _output(python: Path, arguments: list[str], **more: str) -> str:
    foreign = ("OTEL_", "TRACER_", "LANGFUSE_")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(foreign)
    }
    completed = subprocess.run(
        [python, *arguments],
        env={**environment, "PYTHONPATH": str(ROOT), **more},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if completed.returncode:
        raise RuntimeError(f"{arguments}: {completed.stderr}")
    return completed.stdout


def _peer() -> Path | None:
    """Return the Python of an environment with Langfuse's SDK; None: the installation failed."""
    python = _PEER / "bin" / "python"
    if python.exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(_PEER)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "langfuse"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        click.echo(f"without Langfuse's SDK: {error}", err=True)
        return None
    return python
