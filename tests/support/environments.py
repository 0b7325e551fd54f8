"""Each instrumentation's own environment: made on demand from names alone, then kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.serving import ROOT

CACHE: Final = Path(os.environ.get("TRACER_INSTRUMENTATIONS", ROOT / ".cache/instrumentations"))
INSTALL_SECONDS: Final = 600.0
OTEL: Final = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


class CannotInstall(Exception):
    """An environment that can't be made here, with the installer's last words."""


def python(name: str, requirements: Sequence[str]) -> Path:
    """Return the interpreter of the environment ``name``, which holds ``requirements``."""
    place = CACHE / name
    interpreter = place / "bin" / "python"
    if not _is_made(place, requirements):
        shutil.rmtree(place, ignore_errors=True)
        _install([sys.executable, "-m", "venv", str(place)])
        _install([str(interpreter), "-m", "pip", "install", "--quiet", *requirements])
        _note(place, requirements)
    return interpreter


def node(name: str, requirements: Sequence[str]) -> Path:
    """Return the directory whose ``node_modules`` holds ``requirements``."""
    place = CACHE / name
    if shutil.which("npm") is None:
        raise CannotInstall("npm isn't installed")
    if not _is_made(place, requirements):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_text('{"private": true, "type": "module"}\n')
        _install(["npm", "install", "--no-audit", "--no-fund", *requirements], place)
        _note(place, requirements)
    return place


def python_versions(interpreter: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the versions that were resolved for the packages of these names."""
    code = (
        "import sys; from importlib.metadata import version;"
        "print(*[f'{n}={version(n)}' for n in sys.argv[1:]], sep='\\n')"
    )
    plain = [name.partition("[")[0] for name in names]
    done = subprocess.run(
        [interpreter, "-c", code, *plain], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.split())


def node_versions(place: Path, names: Sequence[str]) -> dict[str, str]:
    """Return likewise the versions below ``node_modules``."""
    return {
        name: json.loads((place / "node_modules" / name / "package.json").read_text())["version"]
        for name in names
    }


def _is_made(place: Path, requirements: Sequence[str]) -> bool:
    stamp = place / ".requirements"
    return stamp.exists() and stamp.read_text().split("\n") == [*requirements]


def _note(place: Path, requirements: Sequence[str]) -> None:
    (place / ".requirements").write_text("\n".join(requirements))


def _install(command: Sequence[str], where: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=where, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired as late:
        raise CannotInstall(f"not installed after {INSTALL_SECONDS:.0f} s") from late
    if done.returncode:
        raise CannotInstall(done.stderr.strip()[-500:])
