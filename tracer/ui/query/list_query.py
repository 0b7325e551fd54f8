"""The query, order and columns of a list in its address; older addresses become queries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import quote_plus, urlencode

from werkzeug.datastructures import MultiDict

from tracer.query.edit import set_term, toggle
from tracer.query.errors import QueryError
from tracer.query.fields import Field, Grain, field_of
from tracer.query.highlight import Segment, segments
from tracer.query.parse import parse
from tracer.query.printing import term_text
from tracer.query.tree import And, Equal, Node, Term, both, conjuncts
from tracer.store.query.keyset import SortKey, parse_sort, sort_text
from tracer.store.query.selection import Selection
from tracer.ui.base.blueprint import bp
from tracer.ui.render.time_zone import visitor_clock

# The filters of older addresses, by the fields that they have become.
_FIELDS: Final = {
    "status": "status",
    "name": "name",
    "environment": "env",
    "tag": "tag",
    "user": "user",
    "session": "session",
}
_MARKS: Final = {"bookmarked": "bookmark", "commented": "comment", "scored": "score"}
_AGO: Final = re.compile(r"\d{1,4}[mhd]")


KEPT: Final = ("over", "view", "live")
"""What the address names beside query, sort and columns: the chart, the saved view, live mode."""


class ListQuery:
    """What a list shows, as its address names it.

    A query with an error selects what ``last`` selects, the last one without an error. Every row
    fulfils ``base`` as well, which the visitor does not type; parameters named in ``keep`` stay in
    the address when the query changes.
    """

    def __init__(
        self,
        args: MultiDict[str, str],
        grain: Grain,
        path: str,
        base: str = "",
        keep: Sequence[str] = KEPT,
    ) -> None:
        self.grain = grain
        self.path = path
        self._base = parse(base, grain)
        self.clock = visitor_clock()
        self._keep = {name: args.get(name, "").strip() for name in keep}
        self.text = args.get("q", "").strip()
        # A form that adds a column sends the others as well.
        self.columns = ",".join(filter(None, args.getlist("columns")))
        self.error: QueryError | None = None
        self.shown = self.text
        try:
            self.node = parse(self.text, grain)
        except QueryError as error:
            self.error = error
            self.shown, self.node = _last_good(args.get("last", "").strip(), grain)
        self.sort = parse_sort(args.get("sort"), grain)
        self._sort = args.get("sort", "")

    @property
    def fixed(self) -> set[str]:
        """The fields that the list fixes for every row."""
        return {node.field.name for node in conjuncts(self._base) if isinstance(node, Term)}

    @cached_property
    def selection(self) -> Selection:
        """The rows that the list shows."""
        return Selection(both(self._base, self.node), self.clock)

    def without(self, field: str) -> Selection:
        """Return the rows that the list would show if the query selected no values of a field."""
        kept = (node for node in conjuncts(self.node) if not _is_of(node, field))
        return Selection(both(self._base, And(tuple(kept))), self.clock)

    def selects(self, field: str) -> bool:
        """Return whether the query selects values of a field (which has no keys)."""
        return any(_is_of(node, field) for node in conjuncts(self.node))

    def valid(self) -> ListQuery:
        """Return this query, or raise its error: JSON can't show it beside the rows of another."""
        if self.error is not None:
            raise self.error
        return self

    @property
    def sort_parameter(self) -> str | None:
        """The text of the order; None: the default order."""
        return sort_text(self.sort) if self._sort else None

    @property
    def segments(self) -> list[Segment]:
        """The text of the query in segments to colour."""
        return segments(self.text, self.error)

    @property
    def kept(self) -> Mapping[str, str]:
        """The parameters that a new query keeps."""
        values = {"sort": self._sort, "columns": self.columns, **self._keep}
        return {name: value for name, value in values.items() if value}

    @property
    def list_state(self) -> str | None:
        """The query and order, from which a trace steps to the next; None: the whole list."""
        values = {"q": self.shown, "sort": self._sort}
        return urlencode({name: value for name, value in values.items() if value}) or None

    def url(self, q: str | None = None, **more: str | None) -> str:
        """Return the address with another query (None: this one), and ``more`` changed.

        A cursor is not kept: it belongs to the list of this query.
        """
        text = self.shown if q is None else q
        rest = self._kept_query if not more else _encoded({**self.kept, **more})
        query = "&".join(filter(None, (f"q={quote_plus(text)}" if text else "", rest)))
        return f"{self.path}?{query}" if query else self.path

    @cached_property
    def _kept_query(self) -> str:
        # A list has more than a hundred addresses.
        return _encoded(self.kept)

    def toggle_url(self, name: str, value: str) -> str:
        """Return the address of the query with a value of a field added or taken out."""
        return self.url(toggle(self.shown, self.grain, one_term(name, value, self.grain)))

    def period_url(self, text: str) -> str:
        """Return the address with another time range, a term; "" for any time."""
        if not text:
            return self.url(self.without_period)
        chosen = parse(text, self.grain)
        assert isinstance(chosen, Term)
        return self.url(set_term(self.shown, self.grain, chosen))

    @property
    def without_period(self) -> str:
        """The query without its time range."""
        text = self.shown
        for name in ("start", "end") if self.grain is Grain.SESSION else ("start",):
            field = field_of(self.grain, name)
            assert field is not None
            text = set_term(text, self.grain, Term(field, None, ()))
        return text

    def has_period(self, text: str) -> bool:
        """Return whether the query has this term."""
        return parse(text, self.grain) in conjuncts(self.node)

    def sort_url(self, field: str) -> str:
        """Return the address sorted by a field first: descending, then ascending by a next click.

        The fields sorted by before break ties.
        """
        first = self.sort[0]
        descending = not (first.field == field and first.descending)
        others = [key for key in self.sort if key.field != field] if self._sort else []
        return self.url(sort=sort_text([SortKey(field, descending), *others][:3]))

    def direction(self, field: str) -> str:
        """Return the ``aria-sort`` of a column: "" if the list is not sorted by it first."""
        first = self.sort[0]
        return _direction(first) if first.field == field else ""

    def tie_breaker(self, field: str) -> str:
        """Return the direction of a field that breaks ties, "" for any other."""
        return next((_direction(key) for key in self.sort[1:] if key.field == field), "")


def _is_of(node: Node, field: str) -> bool:
    return isinstance(node, Term) and node.field.name == field


def _encoded(values: Mapping[str, str | None]) -> str:
    return urlencode({name: value for name, value in values.items() if value})


def _direction(key: SortKey) -> str:
    return "descending" if key.descending else "ascending"


def _last_good(text: str, grain: Grain) -> tuple[str, Node]:
    try:
        return text, parse(text, grain)
    except QueryError:
        return "", parse("", grain)


def translated(args: Mapping[str, str], grain: Grain) -> str | None:
    """Return the query of an older address with filters; None: it has none."""
    filters = {name: value.strip() for name, value in args.items() if value.strip()}
    old = [name for name in filters if name in {*_FIELDS, "marked", "from", "to"}]
    if not old:
        return None
    terms = [_translated(grain, name, filters[name]) for name in old]
    return " ".join([*filter(None, [filters.get("q")]), *terms])


def _translated(grain: Grain, name: str, value: str) -> str:
    if name in _FIELDS:
        return term(_FIELDS[name], value, grain)
    if name == "marked":
        return f"has:{_MARKS.get(value, value)}"
    # Sessions were filtered by their last activity.
    field = "end" if name == "from" and grain is Grain.SESSION else "start"
    time = f"-{value}" if _AGO.fullmatch(value) else value.replace(" ", "T")
    return f"{field}:{'>=' if name == 'from' else '<'}{time}"


@bp.app_template_global()
def term(name: str, value: str, grain: Grain = Grain.TRACE) -> str:
    """Return the text of the term that a field has exactly this value."""
    return term_text(one_term(name, value, grain))


def one_term(name: str, value: str, grain: Grain = Grain.TRACE) -> Term:
    """Return the term that a field, with its key after a dot, has exactly this value."""
    name, _, key = name.partition(".")
    field: Field | None = field_of(grain, name)
    assert field is not None, name
    return Term(field, key or None, (Equal(value),))
