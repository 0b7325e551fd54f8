"""An earlier state of this repository, unpacked beside it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from tests.support.paths import ROOT


def before_revision(revision: str, directory: Path) -> Path | None:
    """Unpack the code of the commit before a migration was added; None: there is no history."""
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", f"migrations/*/{revision}_*")
    if not added:
        return None
    archive = _git("archive", "--format=tar", f"{added.decode().strip()}^")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(directory, filter="data")
    return directory if archive else None


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    return done.stdout
