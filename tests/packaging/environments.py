"""Virtual environments that a wheel is installed into, and programs that are run in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.serving import environ


def clean_environ(**more: str) -> dict[str, str]:
    """Return the environment without settings of ours and without a way to this checkout."""
    return {name: value for name, value in environ(**more).items() if name != "PYTHONPATH"}


def install(python: Path, where: Path, *requirements: str) -> Path:
    """Make an environment of ``python`` in ``where``; return its directory of programs."""
    subprocess.run([python, "-m", "venv", where], check=True, env=clean_environ())
    pip = [str(where / "bin/python"), "-m", "pip", "install", "--quiet"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *constraints, *requirements], check=True, env=clean_environ())
    return where / "bin"


def install_bare(where: Path, wheel: Path) -> Path:
    """Install ``wheel`` alone, without what it requires; return the directory of programs."""
    environment = clean_environ()
    venv = [sys.executable, "-m", "venv", "--without-pip", str(where)]
    subprocess.run(venv, check=True, env=environment)
    pip = [sys.executable, "-m", "pip", "--python", str(where), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, env=environment)
    return where / "bin"
