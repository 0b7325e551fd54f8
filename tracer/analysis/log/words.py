"""The words by which a span is found, and how those that somebody types meet them.

A term finds the words that begin with it; one of one or two letters must be a whole word. Words
are runs of letters and digits: `refund_payment` is two, and `CursorTimeout` is found by `timeout`
as well. Scripts without spaces (Chinese, Japanese, Korean) are found by any two neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

WORD_LENGTH: Final = 64
"""Longer words are known by their beginning."""
_SHORT: Final = 2

_SEPARATED: Final = bytes(code if chr(code).isalnum() or code >= 128 else 32 for code in range(256))
_WORD: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z])[A-Z][A-Za-z0-9]*")
_DENSE: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
# Pictures and sounds hold no words, and would be most of the index.
_BASE64: Final = re.compile(rb";base64,[A-Za-z0-9+/=_-]+")
_ESCAPES: Final = tuple(rb"\\ \n \t \r \b \f".split())


class Term(NamedTuple):
    """What one word of a query asks for, in lower case."""

    text: str
    whole: bool
    """It must be a whole word, not the beginning of one."""

    def meets(self, word: str) -> bool:
        """Return whether a word of an index is meant."""
        return word == self.text if self.whole else word.startswith(self.text)


def plain(text: bytes) -> bytes:
    """Return JSON as UTF-8 text whose words stand apart: no escapes, no base64."""
    if b"\\" in text:
        # The backslash first: what follows an escaped one is no escape.
        for escape in _ESCAPES:
            text = text.replace(escape, b" ")
    if b";base64," in text:
        text = _BASE64.sub(b" ", text)
    return text


def raw_words(text: bytes) -> set[bytes]:
    """Return the distinct words of UTF-8 text as they are written; `index_words` reads them.

    Runs in C all through, for it is what filling an index spends its time on.
    """
    return set(text.translate(_SEPARATED).split())


def index_words(raw: bytes) -> set[str]:
    """Return by which words a raw word is found; none where it holds only punctuation."""
    if raw.isascii() and (raw.islower() or raw.isdigit()):
        return {raw[:WORD_LENGTH].decode()}
    found: set[str] = set()
    for written in _WORD.findall(raw.decode(errors="replace")):
        dense = _DENSE.findall(written)
        for run in dense:
            found.update(_neighbours(run))
        for word in _DENSE.split(written) if dense else [written]:
            found.update(hump[0].lower()[:WORD_LENGTH] for hump in _HUMP.finditer(word))
            if word:
                found.add(word.lower()[:WORD_LENGTH])
    return found


def terms(query: str) -> list[Term]:
    """Return what a query asks for; a span must meet all of it. Empty: no word was typed."""
    found: dict[Term, None] = {}
    for written in _WORD.findall(query):
        for run in _DENSE.findall(written):
            pairs = [run[at : at + 2] for at in range(len(run) - 1)]
            found |= dict.fromkeys([Term(pair, True) for pair in pairs] or [Term(run, False)])
        for word in _DENSE.split(written):
            if word:
                found[Term(word.lower()[:WORD_LENGTH], len(word) <= _SHORT)] = None
    return list(found)


def matches(text: bytes, asked: list[Term]) -> bool:
    """Return whether `plain` text meets all terms: what an index would say, without one."""
    if not text.isascii():
        held = {word for raw in raw_words(text) for word in index_words(raw)}
        return all(any(term.meets(word) for word in held) for term in asked)
    lowered = text.lower()
    return all(_meets(text, lowered, term) for term in asked)


def _meets(text: bytes, lowered: bytes, term: Term) -> bool:
    seen: set[bytes] = set()
    for raw in _around(text, lowered, term.text.encode()):
        # The same word comes often, and would be read in vain as often.
        if raw not in seen:
            seen.add(raw)
            if any(term.meets(word) for word in index_words(raw)):
                return True
    return False


def _around(text: bytes, lowered: bytes, part: bytes) -> Iterator[bytes]:
    """Yield the raw words of ASCII ``text`` in which ``part`` occurs."""
    at = lowered.find(part)
    while at >= 0:
        start, end = at, at + len(part)
        while start and _SEPARATED[text[start - 1]] != 32:
            start -= 1
        while end < len(text) and _SEPARATED[text[end]] != 32:
            end += 1
        yield text[start:end]
        at = lowered.find(part, end)


def _neighbours(run: str) -> Iterator[str]:
    for at in range(len(run)):
        yield run[at : at + 2]
