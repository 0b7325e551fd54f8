"""Parses the text of a query into its tree."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from lark import Lark, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from tracer.query import tree
from tracer.query.build import Builder, missing_colon_error
from tracer.query.errors import QueryError
from tracer.query.fields import Grain, field_of

MAX_QUERY_LENGTH: Final = 10_000
"""In characters."""
MAX_DEPTH: Final = 20
"""Levels of nested parentheses."""
MAX_TERMS: Final = 200
"""Conditions and values of a query together."""

_NEVER_STORED: Final = re.compile("[\x00\ud800-\udfff]")
_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[()"]', re.DOTALL)
_FIELD_ALONE: Final = re.compile(r'([A-Za-z_][\w-]*)(?:\.[^\s:()",]+)?:')
_WORD_BEFORE: Final = re.compile(r"(?<![\w:.-])[A-Za-z_][\w-]*\s?$")
_UNEXPECTED_WORD: Final = re.compile(r'[^\s()"]+')


@lru_cache(maxsize=512)
def parse(text: str, grain: Grain = Grain.TRACE) -> tree.Node:
    """Return the tree of a query that selects rows of this grain; raises QueryError.

    An empty text selects everything. Takes less than half a second for any text.
    """
    _check_size(text)
    _check_brackets(text)
    try:
        syntax = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, grain, error) from None
    assert isinstance(syntax, Tree)
    return Builder(text, MAX_TERMS).build(syntax, grain)


@lru_cache
def _grammar() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)


def _check_size(text: str) -> None:
    if len(text) > MAX_QUERY_LENGTH:
        message = f"{len(text):,} characters are too many; a query has at most {MAX_QUERY_LENGTH:,}"
        raise QueryError(message, text, MAX_QUERY_LENGTH, len(text))
    if never_stored := _NEVER_STORED.search(text):
        message = "no stored text contains this character"
        raise QueryError(message, text, *never_stored.span())


def _check_brackets(text: str) -> None:
    """Raise QueryError for quotes and parentheses that are not closed, and for deep nesting."""
    opened: list[int] = []
    for match in _BRACKETS.finditer(text):
        position, mark = match.start(), match[0]
        if mark == '"':
            message = "the quotation mark that opens here is not closed"
            raise QueryError(message, text, position, len(text), [f'{text[position:]}"'])
        if mark == "(":
            opened.append(position)
            if len(opened) > MAX_DEPTH:
                message = f"parentheses are nested more than {MAX_DEPTH} levels deep"
                raise QueryError(message, text, position, position + 1)
        elif mark == ")":
            if not opened:
                message = "there is no parenthesis to close; in a text, parentheses need quotes"
                raise QueryError(message, text, position, position + 1)
            opened.pop()
    if opened:
        message = "this parenthesis is not closed"
        raise QueryError(message, text, opened[-1], opened[-1] + 1)


def _syntax_error(text: str, grain: Grain, error: UnexpectedInput) -> QueryError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return _unfinished(text)
    assert isinstance(error, UnexpectedToken | UnexpectedCharacters)
    position = error.pos_in_stream or 0
    if alone := _FIELD_ALONE.match(text, position):
        example = _example(grain, alone[1])
        message = f"the value has to follow `{alone[0]}` without a space{example}"
        return QueryError(message, text, position, alone.end())
    before = _WORD_BEFORE.search(text[max(0, position - 50) : position])
    begin = position - len(before[0]) if before else position
    if colon_error := missing_colon_error(text, grain, begin):
        return colon_error
    if text[position] == ")":
        return QueryError("a term is missing before this parenthesis", text, position, position + 1)
    word = _UNEXPECTED_WORD.match(text, position)
    end = word.end() if word else position + 1
    message = f"`{text[position:end]}` does not fit here; a text with such characters needs quotes"
    return QueryError(message, text, position, end)


def _unfinished(text: str) -> QueryError:
    last = len(text.rstrip())
    word = re.search(r"\S*$", text[:last])
    start = word.start() if word else last
    return QueryError(f"a term is missing after `{text[start:last]}`", text, start, last)


def _example(grain: Grain, name: str) -> str:
    field = field_of(grain, name) or field_of(Grain.SPAN, name)
    return f", as in `{field.examples[0]}`" if field else ""
