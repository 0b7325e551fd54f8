"""How far a copy has come, kept in a file, so that one that was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class Journal:
    """Notes of one copy, from one place to one project."""

    def __init__(self, directory: Path, source: str, project_id: str) -> None:
        name = hashlib.sha256(f"{source}\n{project_id}".encode()).hexdigest()[:16]
        self._path = directory / f"{name}.json"
        self._notes: dict[str, Any] = {}
        if self._path.exists():
            # Damaged, the copy starts again, which changes nothing that is the same.
            with suppress(ValueError):
                self._notes = json.loads(self._path.read_text())

    def get(self, step: str) -> Any:
        """Return where a step is to go on; None: at its beginning."""
        return self._notes.get(step)

    def note(self, step: str, place: Any) -> None:
        """Note where a step is to go on from, what comes before it being committed."""
        self._notes[step] = place
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: a crash leaves the old notes or the new ones.
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps(self._notes))
        os.replace(aside, self._path)

    def finish(self) -> None:
        """Forget everything: the next copy looks at all of it again."""
        self._path.unlink(missing_ok=True)
