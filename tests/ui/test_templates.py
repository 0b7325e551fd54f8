"""Templates: their folders, and the length of their lines."""

from __future__ import annotations

from pathlib import Path

import tracer.ui
from tracer.assets import asset_dir

TEMPLATES = asset_dir("templates")
ROOMS = Path(tracer.ui.__file__).parent
MAX_LINE = 140


def test_templates_are_in_the_rooms_of_the_pages() -> None:
    paths = [path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.html")]
    assert len(paths) > 60
    rooms = {path.name for path in ROOMS.iterdir() if (path / "__init__.py").exists()}
    assert {path.parent.as_posix() for path in paths} <= rooms


def test_the_lines_of_templates_are_short() -> None:
    long = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in TEMPLATES.rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_LINE
    ]
    assert long == []
