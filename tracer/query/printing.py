"""Prints the tree of a query as its canonical text, which parses into an equal tree."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tracer.query.fields import Field
from tracer.query.moments import Moment
from tracer.query.tree import (
    And,
    Between,
    Compare,
    Equal,
    Glob,
    Match,
    Node,
    Not,
    Or,
    Quantity,
    Related,
    SpanPath,
    Spans,
    Term,
    Words,
)
from tracer.query.values import quoted, written_glob, written_number, written_text

_PLAIN_KEY: Final = re.compile(r'[^\s:()",\\]+')
_PLAIN_WORD: Final = re.compile(r'(?![-,<>])(?!(?:AND|OR|NOT)$)[^\s():"=<>\\]+')


def to_text(node: Node) -> str:
    """Return the canonical text of the query."""
    if isinstance(node, And):
        return " ".join(
            _nested_text(item) if isinstance(item, Or) else to_text(item) for item in node.items
        )
    if isinstance(node, Or):
        return " OR ".join(to_text(item) for item in node.items)
    if isinstance(node, Not):
        return f"-{_nested_text(node.item)}"
    if isinstance(node, Spans):
        comparison = f"{node.operator}{node.number}" if node.quantifier == "count" else ""
        return f"{node.quantifier}({_path(node.path)}){comparison}"
    if isinstance(node, Related):
        return f"{node.grain}({to_text(node.item)})"
    if isinstance(node, Words):
        return node.text if _PLAIN_WORD.fullmatch(node.text) else quoted(node.text)
    return term_text(node)


def term_text(term: Term) -> str:
    """Return the canonical text of one term."""
    matches = ",".join(_match(match, term.field) for match in term.matches)
    return f"{field_text(term.field, term.key)}:{matches}"


def field_text(field: Field, key: str | None) -> str:
    """Return the name of a field with its key, as it stands before the colon."""
    if key is None:
        return field.name
    return f"{field.name}.{key if _PLAIN_KEY.fullmatch(key) else quoted(key)}"


def _nested_text(node: Node) -> str:
    """Return the text of a node within another one: AND and OR in parentheses."""
    text = to_text(node)
    return f"({text})" if isinstance(node, And | Or) else text


def _path(path: SpanPath) -> str:
    texts = [to_text(path.steps[0])]
    for join, step in zip(path.joins, path.steps[1:], strict=True):
        texts += [join, to_text(step)]
    return " ".join(texts)


def _match(match: Match, field: Field) -> str:
    if isinstance(match, Glob):
        return written_glob(match.parts)
    if isinstance(match, Equal):
        return _quantity(match.value, field)
    if isinstance(match, Compare):
        return f"{match.operator}{_quantity(match.value, field)}"
    assert isinstance(match, Between)
    low, high = (
        "" if bound is None else _quantity(bound, field) for bound in (match.low, match.high)
    )
    return f"{low}..{high}"


def _quantity(value: Quantity, field: Field) -> str:
    if isinstance(value, Decimal):
        return written_number(value, field.type)
    return value.text if isinstance(value, Moment) else written_text(value)
