"""How the code and its tests are laid out: small folders, and tests that don't import tests."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

MAX_MODULES = 15
# Folders of like plug-ins, of which there may be any number.
PLUG_INS = {"tracer/wire/dialects", "tests/instrumentations/applications"}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of each module that the file imports, or imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_imports_a_test_module_or_a_conftest() -> None:
    test_files = modules("tests")
    imports = [(path, name.split(".")) for path in test_files for name in imported(path)]
    wrong = [
        f"{path.relative_to(ROOT)}: {'.'.join(parts)}"
        for path, parts in imports
        if parts[0] == "tests" and any(p == "conftest" or p.startswith("test_") for p in parts)
    ]
    assert wrong == []
    from_support = {path for path, parts in imports if parts[:2] == ["tests", "support"]}
    assert len(from_support) > 50


def test_a_folder_has_at_most_fifteen_modules() -> None:
    counts = Counter(
        path.parent.relative_to(ROOT).as_posix()
        for path in modules("tracer", "tests", "bench")
        if path.name != "__init__.py"
    )
    assert counts["tracer/wire/dialects"] > MAX_MODULES
    too_large = {f: n for f, n in counts.items() if n > MAX_MODULES and f not in PLUG_INS}
    assert too_large == {}
