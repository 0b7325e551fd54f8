"""Stores the progress of an import in a file, so that an interrupted import can continue."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class Journal:
    """The progress of one import, from one server into one project, per step."""

    def __init__(self, directory: Path, source: str, project_id: str) -> None:
        name = hashlib.sha256(f"{source}\n{project_id}".encode()).hexdigest()[:16]
        self._path = directory / f"{name}.json"
        self._positions: dict[str, Any] = {}
        if self._path.exists():
            # After a damaged file the import starts again; unchanged records stay as they are.
            with suppress(ValueError):
                self._positions = json.loads(self._path.read_text())

    def get(self, step: str) -> Any:
        """Return the position at which a step continues; None: from its beginning."""
        return self._positions.get(step)

    def note(self, step: str, position: Any) -> None:
        """Store the position at which a step continues; everything before it must be committed."""
        self._positions[step] = position
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Written to another file and renamed: a crash leaves the old or the new content.
        new_file = self._path.with_suffix(".new")
        new_file.write_text(json.dumps(self._positions))
        os.replace(new_file, self._path)

    def finish(self) -> None:
        """Delete the progress: the next import starts from the beginning."""
        self._path.unlink(missing_ok=True)
