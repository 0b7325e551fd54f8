"""What an installation lacks or shares with others, found by the standard library alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "tracer-observability"


def other_distributions() -> list[str]:
    """Return names and versions of other distributions that install a package ``tracer``.

    The installers' records are read as text: importing `importlib.metadata` would take longer than
    all of this.
    """
    return sorted(
        f"{name} {version}"
        for directory in dict.fromkeys(sys.path)
        for record in Path(directory).glob("*.dist-info/RECORD")
        for name, version in [_name_and_version(record)]
        if name != DISTRIBUTION and _installs_tracer(record)
    )


def clash_message(others: list[str]) -> str:
    """Return what is wrong where ``others`` install a package ``tracer`` too, and the cure."""
    names = " ".join(other.split()[0] for other in others)
    return (
        f"This environment has another package called `tracer`, from {', '.join(others)}: it hides"
        f" or overwrites files of {DISTRIBUTION}. Uninstall both (pip uninstall {names}"
        f" {DISTRIBUTION}), then install {DISTRIBUTION} again."
    )


def missing_server_message(module: str) -> str:
    """Return what to install where ``module``, which the command needs, is not installed."""
    return (
        f"The tracer command needs the server, and this installation has the SDK alone (there is no"
        f" module {module}). Install the server from a checkout or from a wheel that was built"
        f" there: pip install 'PATH[server]'"
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
