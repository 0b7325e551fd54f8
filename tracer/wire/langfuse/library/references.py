"""References of prompts to other prompts: ``@@@langfusePrompt:name=…|version=…@@@`` in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tracer.records import Json

_TAG: Final = re.compile(r"@@@langfusePrompt:(.*?)@@@")
_MOST_DIGITS: Final = 9


class Reference(NamedTuple):
    """A version of another prompt: by its number, or by a label."""

    name: str
    version: int | None
    label: str | None

    def __str__(self) -> str:
        by = f"label {self.label!r}" if self.version is None else f"version {self.version}"
        return f"{self.name!r} with {by}"


def references_in(prompt: Json) -> list[Reference]:
    """Return the references in a text or in the contents of messages, each once."""
    return list(dict.fromkeys(_references(prompt)))


def added_length(prompt: Json, texts: Mapping[Reference, str]) -> int:
    """Return how many characters `filled_in` adds for the references, repeated ones included."""
    return sum(len(texts[reference]) for reference in _references(prompt))


def filled_in(prompt: Json, texts: Mapping[Reference, str]) -> Json:
    """Return the prompt with each reference replaced; text that only looks like one stays."""

    def replace(match: re.Match[str]) -> str:
        reference = _read(match[1])
        return match[0] if reference is None else texts[reference]

    if isinstance(prompt, list):
        return [
            {**message, "content": _TAG.sub(replace, message["content"])}
            if isinstance(message, dict) and isinstance(message.get("content"), str)
            else message
            for message in prompt
        ]
    return _TAG.sub(replace, prompt) if isinstance(prompt, str) else prompt


def _references(prompt: Json) -> Iterator[Reference]:
    contents = prompt if isinstance(prompt, list) else [{"content": prompt}]
    for message in contents:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            for match in _TAG.finditer(content):
                reference = _read(match[1])
                if reference is not None:
                    yield reference


def _read(pairs: str) -> Reference | None:
    """Return the reference of ``name=…|version=…`` or ``name=…|label=…``; None: it is none."""
    parts = [part.partition("=") for part in pairs.split("|")]
    if len(parts) != 2 or parts[0][0] != "name" or not parts[0][2] or not parts[1][2]:
        return None
    name, (by, _, value) = parts[0][2], parts[1]
    if by == "label":
        return Reference(name, None, value)
    if by == "version" and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return Reference(name, int(value), None)
    return None
