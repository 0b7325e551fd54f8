"""Texts of prompts: variables in them, and the words that differ between two versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from markupsafe import Markup

from tracer import exact_json
from tracer.analysis.word_diff import runs
from tracer.records import Json
from tracer.ui.base.blueprint import bp

SAME, ADDED, REMOVED = "", "ins", "del"
_VARIABLE: Final = re.compile(r"\{\{\s*([^{}\s]{1,100})\s*\}\}")
_WORD: Final = re.compile(r"\{\{[^{}]*\}\}|\d+(?:\.\d+)+|\s+|[^\s\w]|\w+")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_WORDS: Final = 3_000
"""Up to this many words of both texts, words are compared; of longer texts, lines."""
_MAX_LINES: Final = 3_000
_MAX_COMPARED: Final = 10_000
"""Words or lines that are compared in all messages together; others are removed and added."""
_MAX_WORDS_BETWEEN: Final = 2


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A piece of text and its HTML element: ``ins``, ``del``, or "" where both have it."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageDiff:
    """A message of a prompt in two versions."""

    role: str
    parts: list[DiffPart]

    @property
    def is_same(self) -> bool:
        """Whether both versions have the same text."""
        return all(part.kind == SAME for part in self.parts)


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """The differences of two versions, and how many words were added and removed."""

    messages: list[MessageDiff]
    added: int
    removed: int


def variables(prompt: Json) -> list[str]:
    """Return the names in double braces, in the order in which they appear."""
    text = "\n".join(text for _, text in texts(prompt))
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def texts(prompt: Json) -> Iterator[tuple[str, str]]:
    """Yield (role, text) of each message; a text prompt is one message without a role."""
    for message in prompt if isinstance(prompt, list) else [prompt]:
        if isinstance(message, dict):
            role, content = str(message.get("role", "")), message.get("content", message)
        else:
            role, content = "", message
        yield role, content if isinstance(content, str) else exact_json.to_indented_text(content)


@bp.app_template_filter("marked")
def marked(text: str) -> Markup:
    """Return a text with its variables marked."""
    html, last = Markup(""), 0
    for match in _VARIABLE.finditer(text):
        html += Markup("{}<mark>{}</mark>").format(text[last : match.start()], match[0])
        last = match.end()
    return html + text[last:]


def marked_html(html: Markup, prompt: Json) -> Markup:
    """Return the rendered text of a prompt with its variables marked."""
    text = "\n".join(text for _, text in texts(prompt))
    for variable in dict.fromkeys(match[0] for match in _VARIABLE.finditer(text)):
        html = html.replace(variable, Markup("<mark>{}</mark>").format(variable))
    return html


def diff(before: Json, after: Json) -> PromptDiff:
    """Return the differences of two prompts, message by message."""
    messages = []
    remaining = _MAX_COMPARED
    for old, new in zip_longest(texts(before), texts(after)):
        if old is None or new is None or old[0] != new[0]:
            messages += [
                MessageDiff(side[0], [DiffPart(kind, side[1])])
                for kind, side in ((REMOVED, old), (ADDED, new))
                if side is not None
            ]
        else:
            compared, number = compare(old[1], new[1], remaining)
            remaining -= number
            messages.append(MessageDiff(new[0], compared))
    parts = [part for message in messages for part in message.parts]
    counts = {kind: sum(_words(part) for part in parts if part.kind == kind) for kind in _CHANGES}
    return PromptDiff(messages, counts[ADDED], counts[REMOVED])


_CHANGES: Final = (ADDED, REMOVED)


def compare(before: str, after: str, limit: int = _MAX_COMPARED) -> tuple[list[DiffPart], int]:
    """Return the pieces of both texts in reading order, and how many words or lines were compared.

    The latter are at most ``limit``.
    """
    if before == after:
        return [DiffPart(SAME, after)] if after else [], 0
    for pattern, maximum in ((_WORD, _MAX_WORDS), (_LINE, _MAX_LINES)):
        old, new = pattern.findall(before), pattern.findall(after)
        number = len(old) + len(new)
        if number <= min(maximum, limit):
            return list(_parts(old, new)), number
    return list(_changed(before, after)), 0


def _parts(old: list[str], new: list[str]) -> Iterator[DiffPart]:
    removed = added = ""
    pairs = runs(old, new)
    for position, (before, after) in enumerate(pairs):
        is_between = bool(removed or added) and position < len(pairs) - 1
        if before != after or (is_between and _is_short(after)):
            removed, added = removed + before, added + after
            continue
        yield from _changed(removed, added)
        removed = added = ""
        yield DiffPart(SAME, after)
    yield from _changed(removed, added)


def _changed(removed: str, added: str) -> Iterator[DiffPart]:
    for kind, text in ((REMOVED, removed), (ADDED, added)):
        if text:
            yield DiffPart(kind, text)


def _is_short(text: str) -> bool:
    """Return whether text between two changes is read more easily as a part of them."""
    return "\n" not in text and len(re.findall(r"\w+", text)) <= _MAX_WORDS_BETWEEN


def _words(part: DiffPart) -> int:
    return len(re.findall(r"\w+", part.text))
