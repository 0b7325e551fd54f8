"""Detects missing server modules and clashing packages, with the standard library alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "tracer-observability"


def other_distributions() -> list[str]:
    """Return names and versions of other distributions that install a package ``tracer``.

    The installers' RECORD files are read as text, which is faster than importing
    `importlib.metadata`.
    """
    return sorted(
        f"{name} {version}"
        for directory in dict.fromkeys(sys.path)
        for record in Path(directory).glob("*.dist-info/RECORD")
        for name, version in [_name_and_version(record)]
        if name != DISTRIBUTION and _installs_tracer(record)
    )


def clash_message(others: list[str]) -> str:
    """Return the error and its remedy if ``others`` install a package ``tracer`` as well."""
    names = " ".join(other.split()[0] for other in others)
    return (
        f"This environment has another package called `tracer`, from {', '.join(others)}: it hides"
        f" or overwrites files of {DISTRIBUTION}. Uninstall both (pip uninstall {names}"
        f" {DISTRIBUTION}), then install {DISTRIBUTION} again."
    )


def missing_server_message(module: str) -> str:
    """Return the error and its remedy if the required ``module`` is not installed."""
    return (
        f"The tracer command needs the server, but this installation contains only the SDK (there"
        f" is no module {module}). Install the server from a checkout or from a wheel built"
        f" from it: pip install 'PATH[server]'"
    )


def _name_and_version(record: Path) -> tuple[str, str]:
    name, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
    return name.replace("_", "-").lower(), version


def _installs_tracer(record: Path) -> bool:
    try:
        text = record.read_text(errors="replace")
    except OSError:
        return False
    return "\ntracer/__init__.py," in f"\n{text}"
