"""The Pythons of this machine that Tracer supports, found by their file names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tests.support.paths import ROOT

_NAME = re.compile(r"python(3\.\d+)")
# What a virtual environment with pip takes; Debian has both in packages of their own.
_PROBE = "import ensurepip, venv, sys; print('%d.%d' % sys.version_info[:2])"


def supported() -> SpecifierSet:
    """Return which Pythons pyproject.toml admits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return SpecifierSet(project["requires-python"])


def candidates() -> dict[str, list[Path]]:
    """Return, by version ("3.12"), the interpreters that may be of it; not all of them need run."""
    by_version: dict[str, list[Path]] = {}
    for version, path in [(_own_version(), Path(sys.executable)), *_named()]:
        if version in supported():
            by_version.setdefault(version, []).append(path)
    return dict(sorted(by_version.items(), key=lambda item: int(item[0].partition(".")[2])))


def usable(version: str) -> Path | None:
    """Return an interpreter of this version that can make virtual environments."""
    return next((path for path in candidates()[version] if _prints(path, version)), None)


def _own_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _named() -> Iterator[tuple[str, Path]]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # Before the directories of PATH, where pyenv's stand-ins run only the versions switched on.
    directories = [*pyenv.glob("versions/*/bin"), *map(Path, os.get_exec_path())]
    for directory in directories:
        for path in sorted(directory.glob("python3.*")):
            if match := _NAME.fullmatch(path.name):
                yield match[1], path


def _prints(path: Path, version: str) -> bool:
    try:
        done = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, timeout=60)
    except OSError:
        return False
    return done.stdout.strip() == version
