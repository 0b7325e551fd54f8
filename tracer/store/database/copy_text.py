"""Values as columns of the lines that COPY takes."""

from __future__ import annotations

from typing import Final

NULL: Final = "\\N"


def escaped(value: str) -> str:
    """Return a text as a column of COPY."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
