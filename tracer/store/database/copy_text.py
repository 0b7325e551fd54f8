"""Values in the text format of COPY."""

from __future__ import annotations

from typing import Final

NULL: Final = "\\N"


def escaped(value: str) -> str:
    """Return a text escaped as one column of a COPY line."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
