"""Derives the type of an error from its message, equal for all messages of one cause."""

from __future__ import annotations

import re
from typing import Final

MAX_ERROR_TYPE_LENGTH: Final = 100
"""In characters."""
MODULE: Final = r"^([A-Za-z_][A-Za-z_0-9]*[.])+(?=[A-Za-z_])"
"""The names of modules before that of an exception's class, for Python and PostgreSQL."""
NUMBER: Final = r"[0-9]+"


def error_type(message: str) -> str:
    """Return the first line up to a colon, without modules, with ``#`` for numbers."""
    before_colon = message.split("\n", 1)[0].split(": ", 1)[0]
    without_module = re.sub(MODULE, "", before_colon[:MAX_ERROR_TYPE_LENGTH])
    return re.sub(NUMBER, "#", without_module)
