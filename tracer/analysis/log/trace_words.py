"""The index entry of a whole trace: its words, pieces of its ids, and values of its fields.

A term of a query is the beginning of a word (words.py). A term with a digit, of three characters or
more, may stand anywhere within a word with digits, such as an id: these words are indexed by their
overlapping pieces of three characters as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from tracer.analysis.log import words
from tracer.analysis.log.words import Term

PIECE: Final = 3
MAX_WORDS: Final = 50_000
"""Distinct words of a trace that are indexed; PostgreSQL limits an entry to a megabyte."""
MAX_VALUE_CHARACTERS: Final = 100
"""Values of fields with more characters are not indexed."""
_DIGIT: Final = re.compile(r"\d")
# Words consist of letters and digits, so no word begins with these.
_PIECE_MARK: Final = "#"
_VALUE_MARK: Final = "="


class TextQuery(NamedTuple):
    """The conditions of a search for a text, all of which a trace must meet."""

    terms: tuple[Term, ...]
    """Each must be the beginning of a word of the trace, or a whole word."""
    parts: tuple[str, ...]
    """Each must occur in a text of the trace, in any case."""
    pieces: tuple[str, ...]
    """Lexemes of the index that the parts imply."""
    numbers: tuple[str, ...]
    """The terms with a digit that `pieces` are of: each must occur within a word of the index."""


@lru_cache(1_000)
def text_query(text: str) -> TextQuery:
    """Return the conditions of a search: the words of a text, and all of it if it has several."""
    terms = words.terms(text)
    numbers = [term.text for term in terms if _is_number_part(term.text)]
    parts = dict.fromkeys(numbers)
    if len(terms) != 1 or text.strip().lower() != terms[0].text:
        parts = {text.strip(): None}
    return TextQuery(
        tuple(term for term in terms if not _is_number_part(term.text)),
        tuple(part for part in parts if part),
        tuple(dict.fromkeys(piece for number in numbers for piece in _pieces(number))),
        tuple(numbers),
    )


def value_lexeme(field: str, value: str) -> str | None:
    """Return the lexeme of a field's value; None: such a value is not indexed."""
    if len(value) > MAX_VALUE_CHARACTERS or "\x00" in value:
        return None
    return f"{_VALUE_MARK}{field}:{value}"


def lexemes(raw: Iterable[bytes], values: Iterable[tuple[str, str]]) -> set[str]:
    """Return the index entry of raw words (`words.raw_words`) and of (field, value) pairs."""
    entry: set[str] = set()
    for value in values:
        lexeme = value_lexeme(*value)
        if lexeme is not None:
            entry.add(lexeme)
    for word in raw:
        entry.update(_lexemes_of_word(word))
        if len(entry) > MAX_WORDS:
            break
    return entry


@lru_cache(200_000)
def _lexemes_of_word(raw: bytes) -> tuple[str, ...]:
    index = words.index_words(raw)
    pieces = {piece for word in index if _is_number_part(word) for piece in _pieces(word)}
    return (*index, *pieces)


def _is_number_part(word: str) -> bool:
    return len(word) >= PIECE and _DIGIT.search(word) is not None


def _pieces(word: str) -> list[str]:
    return [f"{_PIECE_MARK}{word[start : start + PIECE]}" for start in range(len(word) - PIECE + 1)]
