"""Splits texts and search queries into words, and matches query terms with words.

A term matches words that begin with it; a term of one or two letters matches only the whole word.
Words are runs of letters and digits: `refund_payment` is two words, and `timeout` finds
`CursorTimeout` as well. Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Burmese,
Khmer) are split into overlapping pairs of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

WORD_LENGTH: Final = 64
"""Characters of a word that are indexed; the rest of a longer word is ignored."""
_SHORT_TERM: Final = 2

_SEPARATED: Final = bytes(code if chr(code).isalnum() or code >= 128 else 32 for code in range(256))
_WORD: Final = re.compile(r"[^\W_]+")
_CAMEL_PART: Final = re.compile(r"(?<=[a-z])[A-Z][A-Za-z0-9]*")
SPACELESS_RANGES: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
)
"""Characters of scripts without spaces, as ranges of a regular expression."""
SPACELESS: Final = re.compile(f"[{SPACELESS_RANGES}]+")
# Base64 of images and audio contains no words, and would be most of the index.
_BASE64: Final = re.compile(rb";base64,[A-Za-z0-9+/=_-]+")
_ESCAPES: Final = tuple(rb"\\ \n \t \r \b \f".split())


class Term(NamedTuple):
    """A condition of a search query: a word or the beginning of one, in lower case."""

    text: str
    whole: bool
    """True: only the whole word matches."""

    def matches(self, word: str) -> bool:
        """Return whether an indexed word matches the term."""
        return word == self.text if self.whole else word.startswith(self.text)


def plain(text: bytes) -> bytes:
    """Return JSON (UTF-8) with escape sequences and base64 replaced by spaces, for splitting."""
    if b"\\" in text:
        # The escaped backslash first: the character after it does not start an escape.
        for escape in _ESCAPES:
            text = text.replace(escape, b" ")
    if b";base64," in text:
        text = _BASE64.sub(b" ", text)
    return text


def raw_words(text: bytes) -> set[bytes]:
    """Return the distinct words of UTF-8 text as written; `index_words` normalises them.

    Implemented with C functions only, because indexing spends most of its time here.
    """
    return set(text.translate(_SEPARATED).split())


def index_words(raw: bytes) -> set[str]:
    """Return the index words of a raw word; empty for punctuation."""
    if raw.isascii() and (raw.islower() or raw.isdigit()):
        return {raw[:WORD_LENGTH].decode()}
    index: set[str] = set()
    for written in _WORD.findall(raw.decode(errors="replace")):
        spaceless = SPACELESS.findall(written)
        for run in spaceless:
            index.update(_pairs(run))
        for word in SPACELESS.split(written) if spaceless else [written]:
            index.update(part[0].lower()[:WORD_LENGTH] for part in _CAMEL_PART.finditer(word))
            if word:
                index.add(word.lower()[:WORD_LENGTH])
    return index


def terms(query: str) -> list[Term]:
    """Return the terms of a query, all of which a span must match; empty: no word in the query."""
    distinct: dict[Term, None] = {}
    for written in _WORD.findall(query):
        for run in SPACELESS.findall(written):
            pairs = [run[start : start + 2] for start in range(len(run) - 1)]
            distinct |= dict.fromkeys([Term(pair, True) for pair in pairs] or [Term(run, False)])
        for word in SPACELESS.split(written):
            if word:
                distinct[Term(word.lower()[:WORD_LENGTH], len(word) <= _SHORT_TERM)] = None
    return list(distinct)


def matches(text: bytes, query_terms: list[Term]) -> bool:
    """Return whether text from `plain` matches all terms, as the index would, without an index."""
    if not text.isascii():
        words = {word for raw in raw_words(text) for word in index_words(raw)}
        return all(any(term.matches(word) for word in words) for term in query_terms)
    lowered = text.lower()
    return all(_matches_term(text, lowered, term) for term in query_terms)


def _matches_term(text: bytes, lowered: bytes, term: Term) -> bool:
    seen: set[bytes] = set()
    for raw in _words_with(text, lowered, term.text.encode()):
        # Frequent words are checked once.
        if raw not in seen:
            seen.add(raw)
            if any(term.matches(word) for word in index_words(raw)):
                return True
    return False


def _words_with(text: bytes, lowered: bytes, part: bytes) -> Iterator[bytes]:
    """Yield the raw words of ASCII ``text`` in which ``part`` occurs."""
    position = lowered.find(part)
    while position >= 0:
        start, end = position, position + len(part)
        while start and _SEPARATED[text[start - 1]] != 32:
            start -= 1
        while end < len(text) and _SEPARATED[text[end]] != 32:
            end += 1
        yield text[start:end]
        position = lowered.find(part, end)


def _pairs(run: str) -> Iterator[str]:
    for start in range(len(run)):
        yield run[start : start + 2]
