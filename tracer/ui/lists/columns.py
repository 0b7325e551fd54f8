"""The columns of a list: which are shown, in which order and width, and sorted by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

from tracer.ui.query.list_query import ListQuery

MAX_COLUMNS: Final = 30
MIN_WIDTH: Final = 40
MAX_WIDTH: Final = 900
_STEP: Final = 40
_DEFAULT_WIDTH: Final = 120
"""From which a column is resized; the style sheet has the width of each."""
_MARK: Final = "~"
"""Stands for the columns in an address."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the address, its heading, its CSS class, the field that sorts it."""

    name: str
    label: str
    css: str
    sort: str = ""
    key: str = ""
    """The key of the metadata, or the name of the score."""
    width: int = 0
    """Pixels that the visitor chose; 0: the default width."""

    @property
    def text(self) -> str:
        """The column as the address names it."""
        return f"{self.name}:{self.width}" if self.width else self.name


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """The columns of a list: all, the default ones, and the one that can't be removed."""

    known: Mapping[str, Column]
    default: tuple[str, ...]
    leading: str
    keyed: tuple[str, ...] = ()
    """The fields whose keys can be columns: ``metadata``, ``score``."""

    def chosen(self, text: str) -> list[Column]:
        """Return the columns of a text like ``name:200,cost,metadata.plan``; empty: the default.

        Names that are no columns are left out; the leading one, a link, is always present.
        """
        names = [name.strip() for name in text.split(",") if name.strip()] or list(self.default)
        columns: dict[str, Column] = {}
        for column in filter(None, map(self._column, names[:MAX_COLUMNS])):
            columns.setdefault(column.name, column)
        if self.leading in columns:
            return list(columns.values())
        return [self.known[self.leading], *columns.values()]

    def _column(self, text: str) -> Column | None:
        name, _, digits = text.partition(":")
        kind, _, key = name.partition(".")
        column = self.known.get(name)
        if column is None and kind in self.keyed and key:
            column = Column(name, key, "num" if kind == "score" else "meta", name, key)
        if column is None or not digits.isdecimal():
            return column
        return replace(column, width=max(MIN_WIDTH, min(int(digits[:4]), MAX_WIDTH)))


class ColumnChoice:
    """Addresses that add, remove, move and resize columns."""

    def __init__(self, query: ListQuery, columns: ColumnSet) -> None:
        self._set = columns
        self._default_url = query.url(columns="")
        # One address in two halves: the menu has a hundred, which differ in the columns alone.
        before, name, self._after = query.url(columns=_MARK).rpartition(f"columns={_MARK}")
        self._before = before + name.removesuffix(_MARK)
        self.columns = columns.chosen(query.columns)
        self._default = ",".join(columns.default)
        shown = {column.name for column in self.columns}
        self.others = [column for name, column in columns.known.items() if name not in shown]

    @property
    def text(self) -> str:
        """The columns as a text, to which a form adds one."""
        return ",".join(column.text for column in self.columns)

    @property
    def keys(self) -> str:
        """An example of a column by key; "": the list has none."""
        examples = {"metadata": "metadata.plan", "score": "score.helpful"}
        return " or ".join(examples[kind] for kind in self._set.keyed)

    @property
    def leading(self) -> str:
        """The name of the column that can't be removed."""
        return self._set.leading

    def keys_of(self, kind: str) -> list[str]:
        """Return the keys of ``metadata`` or ``score`` that are columns."""
        return [column.key for column in self.columns if column.name.startswith(f"{kind}.")]

    def add(self, column: Column) -> str:
        """Return the address with one more column at the end."""
        return self._url([*self.columns, column])

    def remove(self, column: Column) -> str:
        """Return the address without a column."""
        return self._url([other for other in self.columns if other is not column])

    def move(self, column: Column, by: int) -> str:
        """Return the address with a column further left (-1) or right (1)."""
        order = list(self.columns)
        position = order.index(column)
        order.insert(max(0, position + by), order.pop(position))
        return self._url(order)

    def resize(self, column: Column, by: int) -> str:
        """Return the address with a column narrower (-1) or wider (1)."""
        width = max(MIN_WIDTH, min((column.width or _DEFAULT_WIDTH) + by * _STEP, MAX_WIDTH))
        wider = replace(column, width=width)
        return self._url([wider if other is column else other for other in self.columns])

    def _url(self, columns: Sequence[Column]) -> str:
        texts = [column.text for column in columns]
        if ",".join(texts) == self._default:
            return self._default_url
        return f"{self._before}{'%2C'.join(map(_quoted, texts))}{self._after}"


@lru_cache(maxsize=1_000)
def _quoted(text: str) -> str:
    return quote_plus(text)


def column_set(
    columns: Sequence[Column], *default: str, leading: str, keyed: tuple[str, ...] = ()
) -> ColumnSet:
    """Return the set of these columns."""
    return ColumnSet({column.name: column for column in columns}, default, leading, keyed)
