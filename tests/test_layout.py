"""How the code is laid out: small folders, short lines, plain names; tests don't import tests."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

MAX_MODULES = 15
# Folders of like plug-ins, of which there may be any number.
PLUG_INS = {"tracer/wire/dialects", "tests/instrumentations/applications"}
VAGUE_NAMES = {"said", "found", "told", "at", "one", "place", "asked", "held"}
# Methods are named by verbs: `tree.place(…)`, and `page.one(…)` returns the only element.
VERBS: dict[type, set[str]] = {ast.FunctionDef: {"one", "place"}}
# Prose is full of these words: only where one is bound, the module is parsed.
VAGUE_WORD = re.compile(rf"\b_?({'|'.join(VAGUE_NAMES)})_?\b(?=\s*[:,()=]|\s+in\b)", re.IGNORECASE)


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


def test_templates_styles_and_scripts_are_in_the_folders_of_their_views() -> None:
    views = {path.name for path in (ROOT / "tracer/ui").iterdir() if path.is_dir()}
    files = [
        path.relative_to(ROOT)
        for folder in ("templates", "static/js")
        for path in (ROOT / folder).rglob("*.*")
    ]
    assert len(files) > 150
    folders = Counter(path.parent.as_posix() for path in files)
    assert {
        folder.removeprefix("static/js/").removeprefix("templates/") for folder in folders
    } <= views
    assert {folder: n for folder, n in folders.items() if n > MAX_MODULES} == {}
    sheets = {path.stem for path in (ROOT / "static/css").glob("*.css")}
    assert "base" in sheets
    assert sheets <= views | {"tokens"}


def test_no_line_of_a_template_is_longer_than_140_characters() -> None:
    lines = [
        (path.relative_to(ROOT), number, len(line))
        for path in sorted((ROOT / "templates").rglob("*.*"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]
    assert len(lines) > 1_000
    assert [line for line in lines if line[2] > 140] == []


def vague_names(path: Path) -> Iterator[tuple[str, int, str]]:
    """Yield the variables, parameters, fields and functions of a module that have a vague name."""
    text = path.read_text()
    if VAGUE_WORD.search(text) is None:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Name | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            name = node.id if isinstance(node, ast.Name) else node.attr
        else:
            continue
        if name.strip("_").lower() in VAGUE_NAMES - VERBS.get(type(node), set()):
            yield path.relative_to(ROOT).as_posix(), node.lineno, name


def test_variables_are_named_for_what_they_hold() -> None:
    paths = modules("tracer", "tests", "bench")
    assert len(paths) > 1_000
    # The name of the field in the JSON API.
    allowed = {("tracer/api/v1/queries.py", "at")}
    names = [name for path in paths for name in vague_names(path)]
    assert [name for name in names if (name[0], name[2]) not in allowed] == []
