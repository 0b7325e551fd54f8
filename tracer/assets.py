"""Finds the files beside the code: in a checkout at its top, in a wheel in ``tracer/_assets``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).parent


def asset_dir(name: Literal["static", "templates", "migrations"]) -> Path:
    """Return the directory ``name`` that belongs to this code."""
    packed = _PACKAGE / "_assets" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name
