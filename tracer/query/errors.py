"""Errors of queries: the reason, the position, and suggested corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tracer.errors import Invalid


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A corrected query, and the corrected part of it as label."""

    label: str
    query: str


class QueryError(Invalid):
    """A query that can't be understood; ``start`` and ``end`` are the wrong characters of it."""

    def __init__(
        self,
        message: str,
        text: str,
        start: int,
        end: int,
        replacements: Sequence[str] = (),
    ) -> None:
        """``replacements`` are texts that could stand in place of the wrong characters."""
        self.text, self.start, self.end = text, start, max(end, start)
        self.reason = message
        self.suggestions = [
            Suggestion(new, f"{text[:start]}{new}{text[self.end :]}") for new in replacements
        ]
        hint = ""
        if replacements:
            hint = "; did you mean " + " or ".join(f"`{new}`" for new in replacements) + "?"
        super().__init__(f"query, character {start + 1}: {message}{hint}")


def close_to(word: str, known: Iterable[str], maximum: int = 2) -> list[str]:
    """Return the known words that ``word`` resembles, the most similar first."""
    return get_close_matches(word.lower(), sorted(set(known)), n=maximum, cutoff=0.6)


def listed(words: Sequence[str]) -> str:
    """Return the words as text: ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
