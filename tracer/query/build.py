"""Builds the tree of a query from its syntax: fields are resolved, values are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from lark import Token, Tree

from tracer.query import tree
from tracer.query.errors import QueryError, close_to, listed
from tracer.query.fields import RELATED, Field, Grain, Type, field_of, names_of
from tracer.query.moments import Moment, is_point
from tracer.query.values import EXPECTED, glob_parts, parse_quantity, unquoted, with_known_unit

Syntax = Tree[Token]
_QUANTIFIERS: Final = ("any", "all", "count")
_COUNT: Final = re.compile(r"(>=|<=|=|<|>)\s*(\d+)")
_COMPARISON: Final = re.compile(r"([A-Za-z_][\w-]*)\s?(==?|[<>]=?)\s?([^\s()]+)")
_WITH_SPANS: Final = (Grain.TRACE, Grain.SESSION)
_MAX_COUNT: Final = 1_000_000_000


def missing_colon_error(text: str, grain: Grain, begin: int) -> QueryError | None:
    """Return the error for ``latency > 2s`` or ``name=x`` at ``begin``; None: no such text."""
    match = _COMPARISON.match(text, begin)
    if match is None or field_of(grain, match[1]) is None:
        return None
    corrected = f"{match[1]}:{match[2].lstrip('=')}{match[3]}"
    message = f"a colon has to follow the field `{match[1]}`"
    return QueryError(message, text, begin, match.end(), [corrected])


class Builder:
    """Builds the nodes of one query; its methods raise QueryError."""

    def __init__(self, text: str, max_terms: int) -> None:
        self._text = text
        self._terms_left = max_terms

    def build(self, syntax: Syntax, grain: Grain) -> tree.Node:
        """Return the node of a whole query."""
        children = [child for child in syntax.children if isinstance(child, Tree)]
        return self._node(children[0], grain) if children else tree.EVERYTHING

    def _node(self, syntax: Syntax, grain: Grain) -> tree.Node:
        match syntax.data:
            case "disjunction":
                return self._joined(tree.Or, syntax, grain)
            case "conjunction":
                return self._joined(tree.And, syntax, grain)
            case "negation":
                return self._negation(syntax, grain)
            case "call":
                return self._call(syntax, grain)
            case "term":
                return self._term(syntax, grain)
            case _:
                return self._words(syntax, grain)

    def _joined(
        self, kind: type[tree.And] | type[tree.Or], syntax: Syntax, grain: Grain
    ) -> tree.Node:
        """Return an AND or OR of the children; nested groups of the same kind are flattened."""
        items: list[tree.Node] = []
        for child in _trees(syntax):
            node = self._node(child, grain)
            items += node.items if isinstance(node, kind) else (node,)
        return kind(tuple(items))

    def _negation(self, syntax: Syntax, grain: Grain) -> tree.Node:
        *signs, last = syntax.children
        item = self._node(cast(Syntax, last), grain)
        if isinstance(item, tree.Not):
            return item.item if len(signs) % 2 else item
        return tree.Not(item, _extent(syntax)) if len(signs) % 2 else item

    def _words(self, syntax: Syntax, grain: Grain) -> tree.Node:
        token = cast(Token, syntax.children[0])
        if token.type == "WORD" and (
            error := missing_colon_error(self._text, grain, syntax.meta.start_pos)
        ):
            raise error
        text = unquoted(token) if token.type == "STRING" else str(token)
        if not text.strip():
            raise self._error("there is no text between these quotation marks", token)
        self._count_term(token)
        return tree.Words(text, _extent(syntax))

    def _count_term(self, token: Token) -> None:
        self._terms_left -= 1
        if self._terms_left < 0:
            raise self._error("the query has too many terms", token)

    def _call(self, syntax: Syntax, grain: Grain) -> tree.Node:
        call, path, *count = syntax.children
        assert isinstance(call, Token)
        assert isinstance(path, Tree)
        name = call[:-1].lower()
        if name in RELATED[grain]:
            if count or len(_trees(path)) > 1:
                raise self._error(f"`{name}(…)` takes conditions, without `>`", call)
            item = self._node(_trees(path)[0], Grain(name))
            return tree.Related(Grain(name), item, _extent(syntax))
        if name not in _QUANTIFIERS or grain not in _WITH_SPANS:
            raise self._unknown_call(call, grain)
        return self._spans(name, call, path, cast("list[Token]", count), _extent(syntax))

    def _unknown_call(self, call: Token, grain: Grain) -> QueryError:
        quantifiers = _QUANTIFIERS if grain in _WITH_SPANS else ()
        known = [*quantifiers, *(str(related) for related in RELATED[grain])]
        message = (
            f"`{call}…)` is not a group here: expected {listed([f'`{name}(…)`' for name in known])}"
            "; a text with parentheses needs quotes"
        )
        start, end = _positions(call)
        close = [f"{name}(" for name in close_to(call[:-1], known)]
        return QueryError(message, self._text, start, end, close)

    def _spans(
        self, name: str, call: Token, path: Syntax, count: Sequence[Token], extent: tree.Extent
    ) -> tree.Node:
        steps = tuple(self._node(step, Grain.SPAN) for step in _trees(path))
        joins = [str(token) for token in path.children if isinstance(token, Token)]
        span_path = tree.SpanPath(steps, cast("Any", tuple(joins)))
        if name == "all" and joins:
            raise self._error("`all(…)` takes conditions on one span, without `>`", call)
        if name != "count":
            if count:
                raise self._error(f"`{name}(…)` is compared with no number", count[0])
            return tree.Spans(cast("Any", name), span_path, extent=extent)
        if not count:
            message = "a comparison has to follow `count(…)`, as in `count(level:error)>=3`"
            raise QueryError(message, self._text, extent.start, extent.end)
        match = _COUNT.fullmatch(count[0])
        assert match is not None
        number = min(int(match[2][:12]), _MAX_COUNT)
        return tree.Spans("count", span_path, cast("Any", match[1]), number, extent)

    def _term(self, syntax: Syntax, grain: Grain) -> tree.Node:
        token = cast(Token, syntax.children[0])
        field, key = self._field(token, grain)
        # Each value counts as a term: a list of ids costs as much as many terms.
        matches = []
        for child in _trees(syntax):
            self._count_term(token)
            matches.append(self._match(child, field))
        return tree.Term(field, key, tuple(dict.fromkeys(matches)), _extent(syntax))

    def _field(self, token: Token, grain: Grain) -> tuple[Field, str | None]:
        name, dot, key = token[:-1].partition(".")
        field = field_of(grain, name)
        if field is None:
            raise self._unknown_field(token, name, grain)
        key = unquoted(key) if key.startswith('"') else key
        if field.keyed and not key:
            message = f"a key has to follow `{name}`, as in `{field.examples[0]}`"
            raise self._error(message, token)
        if dot and not field.keyed:
            raise self._error(f"`{name}` has no keys", token)
        return field, key or None

    def _unknown_field(self, token: Token, name: str, grain: Grain) -> QueryError:
        start = token.start_pos or 0
        if self._text[start + len(token) :].startswith("//"):
            return self._quoting_error(f"no field is called `{name}`", start)
        if grain in _WITH_SPANS and field_of(Grain.SPAN, name):
            message = f"`{name}` is a field of spans: write it inside `any(…)`"
            end = self._end_of_word(start)
            word = self._text[start:end]
            return QueryError(message, self._text, start, end, [f"any({word})"])
        message = f"no field is called `{name}`"
        end = start + len(name)
        close = close_to(name, names_of(grain))
        if not close:
            return self._quoting_error(message, start, end)
        return QueryError(message, self._text, start, end, close)

    def _quoting_error(self, message: str, start: int, end: int | None = None) -> QueryError:
        message = f"{message}; a text with a colon needs quotes"
        if end is not None:
            return QueryError(message, self._text, start, end)
        end = self._end_of_word(start)
        return QueryError(message, self._text, start, end, [f'"{self._text[start:end]}"'])

    def _end_of_word(self, start: int) -> int:
        match = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s()"])+').match(self._text, start)
        return match.end() if match else start

    def _match(self, syntax: Syntax, field: Field) -> tree.Match:
        scalars = [cast(Token, child.children[0]) for child in _trees(syntax)]
        if syntax.data == "equal":
            return self._equal(scalars[0], field)
        if not field.comparable:
            raise self._error(
                f"`{field.name}` is compared by `:` only, without < and >", scalars[0]
            )
        values = [self._quantity(token, field) for token in scalars]
        match syntax.data:
            case "compare":
                operator = cast(Token, syntax.children[0])
                return tree.Compare(cast("Any", str(operator)), values[0])
            case "at_least":
                return tree.Between(values[0], None)
            case "at_most":
                return tree.Between(None, values[0])
            case _:
                return tree.Between(values[0], values[1])

    def _equal(self, token: Token, field: Field) -> tree.Match:
        if field.type in (Type.TEXT, Type.PROSE, Type.ANY):
            return self._text_match(token)
        value = self._quantity(token, field)
        if isinstance(value, Moment) and is_point(value):
            message = f"a comparison has to stand before `{value.text}`"
            start, end = _positions(token)
            raise QueryError(message, self._text, start, end, [f">{token}"])
        return tree.Equal(value)

    def _text_match(self, token: Token) -> tree.Match:
        if token.type == "STRING":
            return tree.Equal(unquoted(token))
        parts = glob_parts(token)
        return tree.Equal(parts[0]) if len(parts) == 1 else tree.Glob(_without_double_stars(parts))

    def _quantity(self, token: Token, field: Field) -> tree.Quantity:
        written = unquoted(token) if token.type == "STRING" else str(token)
        value = parse_quantity(written, field)
        if value is not None:
            return value
        start, end = _positions(token)
        if field.type is Type.CHOICE:
            message = f"`{field.name}` has no value `{written}`: it is {listed(field.choices)}"
            close = close_to(written, field.choices)
            raise QueryError(message, self._text, start, end, close)
        message = f"`{field.name}` is {EXPECTED[field.type]}, not `{written}`"
        corrections = with_known_unit(written, field.type)
        raise QueryError(message, self._text, start, end, corrections)

    def _error(self, message: str, token: Token) -> QueryError:
        return QueryError(message, self._text, *_positions(token))


def _without_double_stars(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a glob without empty ones in the middle: ``a**b`` is ``a*b``."""
    return (parts[0], *filter(None, parts[1:-1]), parts[-1])


def _trees(syntax: Syntax) -> list[Syntax]:
    return [child for child in syntax.children if isinstance(child, Tree)]


def _extent(syntax: Syntax) -> tree.Extent:
    return tree.Extent(syntax.meta.start_pos, syntax.meta.end_pos)


def _positions(token: Token) -> tuple[int, int]:
    return token.start_pos or 0, token.end_pos or 0
