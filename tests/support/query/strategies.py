"""Random queries: trees in the form that the parser builds, by hypothesis."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tracer.query import tree
from tracer.query.fields import FIELDS, RELATED, Field, Grain, Type
from tracer.query.moments import Moment

# Few letters, so that random values meet random rows; and all characters with a meaning.
TEXTS = st.one_of(
    st.sampled_from(["a", "b", "ab", "A", "5", "1.5", "true", "x y", "a*", 'say "b"', "a..b"]),
    st.text(st.sampled_from('ab* "\\.:,()<>=-%_é日'), min_size=1, max_size=6),
)
_NUMBERS = st.one_of(
    st.integers(-3, 12).map(Decimal),
    st.decimals(-5, 5, places=3),
    st.sampled_from([Decimal(1000), Decimal(1_500_000), Decimal("0.25"), Decimal("0.000001")]),
)
_TIMES = st.sampled_from(
    [
        *("2026", "2026-11", "2026-11-23", "today", "yesterday"),
        *("2026-11-23T14", "2026-11-23T14:00", "2026-11-23T14:00:01", "2026-11-23T14:00:00.5"),
        *("2026-11-23T16:00+02:00", "2026-11-23T14:00Z"),
    ]
)
_POINTS = st.sampled_from(["now", "-1h", "-24h", "-3m", "-1d", "-2w"])
KEYS = st.sampled_from(["plan", "a.b", "my key", "n", 'say "k"', "a\\b"])
_OPERATORS: Any = st.sampled_from(["<", "<=", ">", ">="])


def quantities(field: Field) -> st.SearchStrategy[tree.Quantity]:
    """Return values that the ordered field is compared with."""
    if field.type is Type.TIME:
        return st.one_of(_TIMES, _POINTS).map(Moment)
    if field.type is Type.CHOICE:
        return st.sampled_from(field.choices)
    return _NUMBERS.map(lambda number: number.normalize() + 0 if number else Decimal(0))


def matches(field: Field) -> st.SearchStrategy[tree.Match]:
    """Return one value of a term of the field."""
    if field.type in (Type.TEXT, Type.PROSE, Type.ANY):
        whole = TEXTS.map(tree.Equal)
        inner = st.lists(TEXTS, max_size=1)
        ends = st.one_of(st.just(""), TEXTS)
        glob = st.builds(lambda a, i, b: tree.Glob((a, *i, b)), ends, inner, ends)
        options: list[st.SearchStrategy[tree.Match]] = [whole, glob]
    elif field.type is Type.TIME:
        options = [_TIMES.map(lambda text: tree.Equal(Moment(text)))]
    else:
        options = [quantities(field).map(tree.Equal)]
    if field.comparable:
        bounds = st.tuples(*[st.one_of(st.none(), quantities(field))] * 2).filter(any_bound)
        options.append(st.builds(tree.Compare, _OPERATORS, quantities(field)))
        options.append(bounds.map(lambda pair: tree.Between(*pair)))
    return st.one_of(options)


def any_bound(pair: tuple[object, object]) -> bool:
    """Return whether a range has a bound."""
    return pair != (None, None)


@st.composite
def terms(draw: st.DrawFn, grain: Grain) -> tree.Term:
    """Return a term of any field of the grain."""
    field = draw(st.sampled_from(FIELDS[grain]))
    key = draw(KEYS) if field.keyed else None
    values = draw(st.lists(matches(field), min_size=1, max_size=3, unique=True))
    return tree.Term(field, key, tuple(values))


def nodes(grain: Grain, *, words: bool = True, depth: int = 2) -> st.SearchStrategy[tree.Node]:
    """Return a query of the grain."""
    simple: list[st.SearchStrategy[tree.Node]] = [terms(grain)]
    if words:
        simple.append(TEXTS.filter(str.strip).map(tree.Words))
    if depth > 0:
        simple += [
            st.builds(tree.Related, st.just(related), nodes(related, words=words, depth=0))
            for related in RELATED[grain]
        ]
        if grain in (Grain.TRACE, Grain.SESSION):
            simple.append(spans())
    leaves = st.one_of(simple)
    if depth == 0:
        return leaves
    return st.recursive(leaves, _grouped, max_leaves=5)


def _grouped(inner: st.SearchStrategy[tree.Node]) -> st.SearchStrategy[tree.Node]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda items: _joined(tree.And, items)),
        several.map(lambda items: _joined(tree.Or, items)),
        inner.map(lambda item: item.item if isinstance(item, tree.Not) else tree.Not(item)),
    )


def _joined(kind: Any, items: list[tree.Node]) -> tree.Node:
    flat: list[tree.Node] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else [item]
    node: tree.Node = kind(tuple(flat))
    return node


@st.composite
def spans(draw: st.DrawFn) -> tree.Spans:
    """Return a condition on the spans of a row."""
    quantifier: Any = draw(st.sampled_from(["any", "all", "count"]))
    maximum = 1 if quantifier == "all" else 3
    steps = draw(st.lists(terms(Grain.SPAN), min_size=1, max_size=maximum))
    joins: Any = tuple(draw(st.sampled_from([">", ">>"])) for _ in steps[1:])
    path = tree.SpanPath(tuple(steps), joins)
    if quantifier != "count":
        return tree.Spans(quantifier, path)
    operator: Any = draw(st.sampled_from(["<", "<=", ">", ">=", "="]))
    return tree.Spans("count", path, operator, draw(st.integers(0, 4)))
