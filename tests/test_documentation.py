"""The documentation: links lead somewhere, paths exist, every page and table is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from tracer.config import Config
from tracer.store.schema import metadata

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LONGEST_LINE = 100

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"")
# Folders whose paths are written with their root: `tracer/store/`, `docs/api.md`.
_PATH = re.compile(r"`((?:tracer|tests|docs|bench|templates|static|migrations|deploy)/[\w./-]*)`")


def _names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _links(page: Path) -> Iterator[str]:
    for match in _LINK.finditer(page.read_text()):
        target = match.group(1) or match.group(2)
        if not target.startswith(("http:", "https:", "mailto:")):
            yield target


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a page outside tables, code blocks, headings and links alone."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ", "<", "  <", "#")):
            yield number, line


def test_there_are_pages_with_links_and_paths() -> None:
    assert len(PAGES) > 15
    assert sum(len(list(_links(page))) for page in PAGES) > 50
    assert sum(len(_PATH.findall(page.read_text())) for page in PAGES) > 50


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_each_link_leads_to_a_file(page: Path) -> None:
    missing = [link for link in _links(page) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_each_path_exists(page: Path) -> None:
    paths = (path for path in _PATH.findall(page.read_text()) if "bench/results" not in path)
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_prose_is_wrapped(page: Path) -> None:
    long = [
        number
        for number, line in _prose(page)
        if len(line) > LONGEST_LINE and " " in line.strip()[:LONGEST_LINE]
    ]
    assert long == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/index.md").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md")}
    assert pages - {"index.md"} == {
        link for link in _links(ROOT / "docs/index.md") if not link.startswith("..")
    }
    assert "../README.md" in index


def test_the_architecture_names_every_table() -> None:
    section = (ROOT / "docs/architecture.md").read_text().partition("## The tables")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(metadata.tables)


def test_settings_names_every_setting_with_its_default_and_no_other() -> None:
    table = (ROOT / "docs" / "settings.md").read_text().partition("| --- |")[2]
    table = table.partition("\n\n")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    settings = {f"TRACER_{field.name.upper()}": field.default for field in fields(Config)}
    assert rows.keys() == settings.keys()
    for name, default in settings.items():
        assert f"`{default}`" in rows[name] or (not default and "none" in rows[name])
