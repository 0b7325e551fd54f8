"""Finds what is being typed at the cursor of a query, and the fields that complete it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracer.query.fields import FIELDS, RELATED, Field, Grain, field_of

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[A-Za-z_]*\(|\)|[^\s()"]+|\s+', re.DOTALL)
_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*(?:"|$)|[^\s()"])*$', re.DOTALL)
_TERM: Final = re.compile(
    r"(?P<sign>-*)(?P<name>[A-Za-z_][\w-]*)(?:\.(?P<key>[^:]*))?:(?P<values>.*)", re.DOTALL
)
_VALUE: Final = re.compile(r'(?P<before>(?:.*,)?(?:[<>]=?|.*\.\.)?)(?P<prefix>"?[^,]*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typing:
    """The unfinished word before the cursor: the name of a field, a key, or a value."""

    grain: Grain
    """What a term at the cursor is about: spans inside of ``any(…)``."""
    field: Field | None
    """The field whose value or key is typed; None: the name of a field or a word is typed."""
    key: str | None
    prefix: str
    """The typed characters of the name, key or value, without signs and quotes."""
    start: int
    """Position of the prefix, which ends at the cursor; a completion replaces it."""
    is_key: bool = False
    """Whether the key of a field is typed, not its value."""


@dataclass(frozen=True, slots=True)
class FieldCompletion:
    """A field, or a group like ``any(``, that completes what is typed."""

    text: str
    description: str
    example: str


def typing_at(text: str, cursor: int, grain: Grain) -> Typing:
    """Return what is typed before the cursor (a position in ``text``)."""
    head = text[:cursor]
    grain = _grain_at(head, grain)
    match = _WORD.search(head)
    word = match[0] if match else ""
    start = cursor - len(word)
    term = _TERM.fullmatch(word)
    field = field_of(grain, term["name"]) if term else None
    if term and field is not None:
        return _typed_value(term, field, grain, start)
    name = re.fullmatch(r"(-*)([A-Za-z_][\w-]*)\.(\S*)", word)
    keyed = field_of(grain, name[2]) if name else None
    if name and keyed is not None and keyed.keyed:
        return Typing(grain, keyed, None, name[3], cursor - len(name[3]), is_key=True)
    signs = len(word) - len(word.lstrip("-"))
    return Typing(grain, None, None, word[signs:], start + signs)


def _typed_value(term: re.Match[str], field: Field, grain: Grain, start: int) -> Typing:
    value = _VALUE.fullmatch(term["values"])
    assert value is not None
    begin = start + term.start("values") + value.start("prefix")
    prefix = value["prefix"].strip('"')
    return Typing(grain, field, term["key"], prefix, begin)


def _grain_at(head: str, grain: Grain) -> Grain:
    """Return the grain of a term at the end of ``head``: groups like ``any(`` change it."""
    grains = [grain]
    for match in _TOKEN.finditer(head):
        if match[0] == ")" and len(grains) > 1:
            grains.pop()
        elif match[0].endswith("(") and not match[0].startswith('"'):
            grains.append(_grain_in(match[0][:-1].lower(), grains[-1]))
    return grains[-1]


def _grain_in(group: str, grain: Grain) -> Grain:
    if group in ("any", "all", "count"):
        return Grain.SPAN
    return Grain(group) if group in RELATED[grain] else grain


def field_completions(typing: Typing) -> list[FieldCompletion]:
    """Return fields and groups whose name contains the prefix; those that begin with it first."""
    prefix = typing.prefix.lower()
    rows = [
        FieldCompletion(f"{field.name}{'.' if field.keyed else ':'}", field.description, example)
        for field in FIELDS[typing.grain]
        if any(prefix in name for name in (field.name, *field.aliases))
        for example in field.examples[:1]
    ]
    rows += [group for group in _groups(typing.grain) if group.text.startswith(prefix)]
    return sorted(rows, key=lambda row: not row.text.startswith(prefix))


def _groups(grain: Grain) -> list[FieldCompletion]:
    groups = [
        FieldCompletion(f"{related}(", f"conditions on its {related}", f"{related}(cost:>1)")
        for related in RELATED[grain]
    ]
    if grain in (Grain.TRACE, Grain.SESSION):
        groups += [
            FieldCompletion("any(", "a span that matches", "any(kind:tool status:error)"),
            FieldCompletion("count(", "number of spans that match", "count(level:error)>=3"),
            FieldCompletion("all(", "every span matches", "all(level:default)"),
        ]
    return groups
