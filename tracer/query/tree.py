"""The tree of a query: frozen nodes, equal where two texts mean the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from tracer.query.fields import Field, Grain
from tracer.query.moments import Moment

Operator = Literal["<", "<=", ">", ">="]
Quantity: TypeAlias = "Decimal | Moment | str"
"""What an ordered field is compared with; a text is a value of an ordered choice (level)."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The characters of the query's text that a node was read from: start inclusive, end not."""

    start: int
    end: int


NOWHERE: Final = Extent(0, 0)
"""The extent of a node that was not read from a text."""


@dataclass(frozen=True, slots=True)
class Equal:
    """The value equals this one; a time lies in this period, prose contains this text."""

    value: Quantity


@dataclass(frozen=True, slots=True)
class Glob:
    """The text consists of these literal parts with anything between them (at least two parts)."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The value is less or greater than this one."""

    operator: Operator
    value: Quantity


@dataclass(frozen=True, slots=True)
class Between:
    """The value lies between two values, both inclusive; None: no bound."""

    low: Quantity | None
    high: Quantity | None


Match: TypeAlias = Equal | Glob | Compare | Between


@dataclass(frozen=True, slots=True)
class Term:
    """A field has one of these values: ``tag:a,b``."""

    field: Field
    key: str | None
    """The key of a keyed field: ``plan`` in ``metadata.plan:pro``."""
    matches: tuple[Match, ...]
    extent: Extent = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Words:
    """Any text of the row contains this text, in upper or lower case."""

    text: str
    extent: Extent = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold; no items: everything matches."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these (at least two) holds."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The node does not hold; a row without a value of the field matches as well."""

    item: Node
    extent: Extent = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SpanPath:
    """A span that matches the last step, below spans that match the steps before it."""

    steps: tuple[Node, ...]
    joins: tuple[Literal[">", ">>"], ...]
    """Between two steps: ``>`` the next is a child, ``>>`` it is any descendant."""


@dataclass(frozen=True, slots=True)
class Spans:
    """A condition on the spans of a row: any of them, all of them, or their number."""

    quantifier: Literal["any", "all", "count"]
    path: SpanPath
    operator: Literal["<", "<=", ">", ">=", "="] = ">="
    number: int = 1
    """``operator`` and ``number`` are used by ``count`` only."""
    extent: Extent = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Related:
    """The row's session, its trace, or one of its traces matches."""

    grain: Grain
    item: Node
    extent: Extent = dataclasses.field(default=NOWHERE, compare=False)


Node: TypeAlias = Term | Words | And | Or | Not | Spans | Related

EVERYTHING: Final = And(())


def conjuncts(node: Node) -> tuple[Node, ...]:
    """Return the nodes that all have to hold for ``node`` to hold."""
    return node.items if isinstance(node, And) else (node,)


def both(first: Node, second: Node) -> Node:
    """Return the node that holds where both hold."""
    items = conjuncts(first) + conjuncts(second)
    return items[0] if len(items) == 1 else And(items)


def terms(node: Node) -> Iterator[Term]:
    """Yield every term of the tree, also those about spans and related rows."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, And | Or):
        for item in node.items:
            yield from terms(item)
    elif isinstance(node, Not | Related):
        yield from terms(node.item)
    elif isinstance(node, Spans):
        for step in node.path.steps:
            yield from terms(step)
