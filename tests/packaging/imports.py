"""Which distributions a directory of modules imports from, and which pyproject.toml declares."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

_OURS = {"tracer", "tests", "bench"}
# These exist for type checkers alone.
_STUBS = {"_typeshed"}


def declared(*extras: str) -> dict[str, Requirement]:
    """Return the requirements of the base install and of ``extras``, by distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def imported(files: Iterable[Path]) -> dict[str, set[str]]:
    """Return the distributions that these modules import from, each with the modules' paths."""
    users: dict[str, set[str]] = {}
    for file in files:
        for names in _imports(ast.parse(file.read_text())):
            if name := _distribution_of(names):
                users.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    return users


def _imports(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the modules that an import may mean, longest name first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.module) for alias in node.names)


@cache
def _distribution_of(names: tuple[str, ...]) -> str | None:
    """Return the distribution of the first of ``names`` that is a module; None: it needs none."""
    top = names[0].partition(".")[0]
    if top in sys.stdlib_module_names | _OURS | _STUBS:
        return None
    owners = sorted({canonicalize_name(name) for name in _owners().get(top, [])})
    if len(owners) == 1:
        return owners[0]
    for name in names:
        # A namespace that several distributions share: the file decides.
        file = re.compile(re.escape(name.replace(".", "/")) + r"(/__init__)?\.(py|[\w-]+\.so)")
        for owner in owners:
            if any(file.fullmatch(path) for path in _files(owner)):
                return owner
    raise AssertionError(f"{names[-1]} is imported and not installed")


@cache
def _owners() -> dict[str, list[str]]:
    return {name: list(owners) for name, owners in packages_distributions().items()}


@cache
def _files(owner: str) -> list[str]:
    return [str(path) for path in distribution(owner).files or []]
