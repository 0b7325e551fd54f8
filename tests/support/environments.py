"""An environment for each instrumentation: installed on demand, then kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

CACHE: Final = Path(os.environ.get("TRACER_INSTRUMENTATIONS", ROOT / ".cache/instrumentations"))
INSTALL_SECONDS: Final = 1800.0
OTEL: Final = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


class CannotInstall(Exception):
    """An environment can't be installed here; the message is the installer's last output."""


def python(name: str, requirements: Sequence[str]) -> Path:
    """Return the interpreter of the environment ``name``, which has the ``requirements``."""
    directory = CACHE / name
    interpreter = directory / "bin" / "python"
    if not _is_installed(directory, requirements):
        shutil.rmtree(directory, ignore_errors=True)
        _install([sys.executable, "-m", "venv", str(directory)])
        _install([str(interpreter), "-m", "pip", "install", "--quiet", *requirements])
        _write_stamp(directory, requirements)
    return interpreter


def node(name: str, requirements: Sequence[str]) -> Path:
    """Return the directory whose ``node_modules`` holds ``requirements``."""
    directory = CACHE / name
    if shutil.which("npm") is None:
        raise CannotInstall("npm isn't installed")
    if not _is_installed(directory, requirements):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        (directory / "package.json").write_text('{"private": true, "type": "module"}\n')
        _install(["npm", "install", "--no-audit", "--no-fund", *requirements], directory)
        _write_stamp(directory, requirements)
    return directory


def python_versions(interpreter: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the versions that were resolved for the packages of these names."""
    code = (
        "import sys; from importlib.metadata import version;"
        "print(*[f'{n}={version(n)}' for n in sys.argv[1:]], sep='\\n')"
    )
    plain = [re.split(r"[\[~=<>]", name)[0] for name in names]
    result = subprocess.run(
        [interpreter, "-c", code, *plain], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in result.stdout.split())


def node_versions(directory: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the versions of the packages of these names below ``node_modules``."""
    versions = {}
    for name in names:
        # Its version may follow an @; its scope begins with one.
        plain = name[0] + name[1:].partition("@")[0]
        package = directory / "node_modules" / plain / "package.json"
        versions[plain] = json.loads(package.read_text())["version"]
    return versions


def node_command(directory: Path) -> str:
    """Return the Node among the packages in ``directory``, else the one that is installed."""
    packaged = directory / "node_modules" / ".bin" / "node"
    return str(packaged) if packaged.exists() else "node"


def _is_installed(directory: Path, requirements: Sequence[str]) -> bool:
    stamp = directory / ".requirements"
    return stamp.exists() and stamp.read_text().split("\n") == [*requirements]


def _write_stamp(directory: Path, requirements: Sequence[str]) -> None:
    (directory / ".requirements").write_text("\n".join(requirements))


def _install(command: Sequence[str], directory: Path | None = None) -> None:
    try:
        result = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired as timeout:
        raise CannotInstall(f"not installed after {INSTALL_SECONDS:.0f} s") from timeout
    if result.returncode:
        raise CannotInstall(result.stderr.strip()[-500:])
