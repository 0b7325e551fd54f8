"""The form of a new price: a column of prices for the base and one for each tier."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import MAX_TIERS, MAX_TYPES, Prices, Rates, Tier, check_dollars
from tracer.times import parse_time

TYPES: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
MORE_TYPE, MORE_TIER = "type", "tier"
_FIELDS: Final = {"start_time": "start"}
_CELL: Final = re.compile(r"price\.(\d{1,3})\.(\d{1,3})")


@dataclass(slots=True)
class Column:
    """Prices by row, and the conditions of a tier; the base has none."""

    prices: list[str]
    above: str = ""
    parameters: str = ""

    def __bool__(self) -> bool:
        return any((*self.prices, self.above, self.parameters))


@dataclass(slots=True)
class PriceForm:
    """The texts of the fields, and the errors by field name."""

    model: str = ""
    provider: str = ""
    start: str = ""
    note: str = ""
    types: list[str] = field(default_factory=lambda: [*TYPES])
    columns: list[Column] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        while len(self.columns) < 2:
            self.columns.append(Column([""] * len(self.types)))

    @classmethod
    def of(cls, draft: PriceDraft) -> PriceForm:
        """Return the form filled with a price."""
        types = list(dict.fromkeys([*TYPES, *draft.rates.types]))

        def column(prices: Prices) -> list[str]:
            return [f"{prices[name]:f}" if name in prices else "" for name in types]

        tiers = [
            Column(
                column(tier.prices),
                "" if tier.above is None else str(tier.above),
                ", ".join(f"{name}={value}" for name, value in tier.parameters.items()),
            )
            for tier in draft.rates.tiers
        ]
        return cls(
            model=draft.model,
            provider=draft.provider or "",
            start=draft.start_time.astimezone(UTC).isoformat()[:19] if draft.start_time else "",
            note=draft.note or "",
            types=types,
            columns=[Column(column(draft.rates.base)), *tiers],
        )

    @classmethod
    def parse(cls, form: Mapping[str, str]) -> PriceForm:
        """Return the form that was sent, with a row or column added if it was requested."""
        cells = [(int(m[1]), int(m[2])) for name in form if (m := _CELL.fullmatch(name))]
        width = min(max((column for column, _ in cells), default=0) + 1, MAX_TIERS + 1)
        height = min(max((row for _, row in cells), default=0) + 1, MAX_TYPES)
        width += form.get("more") == MORE_TIER
        height += form.get("more") == MORE_TYPE

        def text(name: str) -> str:
            return form.get(name, "").strip()

        return cls(
            model=text("model"),
            provider=text("provider"),
            start=text("start"),
            note=text("note"),
            types=[text(f"type.{row}") for row in range(height)],
            columns=[
                Column(
                    [text(f"price.{column}.{row}") for row in range(height)],
                    text(f"above.{column}"),
                    text(f"parameters.{column}"),
                )
                for column in range(width)
            ],
        )

    def draft(self) -> PriceDraft | None:
        """Return the price in the form; None if it is not valid, see `errors`."""
        if not self.model:
            self.errors["model"] = "expected a model's name, or a pattern with *"
        self._check_types()
        base = self._prices(0)
        tiers = [self._tier(index) for index, column in enumerate(self.columns) if index and column]
        start = self._start()
        if not any(self.columns[0].prices):
            self.errors["price.0.0"] = "expected at least one price in this column"
        if self.errors:
            return None
        try:
            return PriceDraft(
                model=self.model,
                rates=Rates(base=base, tiers=[tier for tier in tiers if tier]),
                provider=self.provider or None,
                start_time=start,
                note=self.note or None,
            )
        except ValueError as error:
            name, _, reason = str(error).partition(": ")
            self.errors[_FIELDS.get(name, name)] = reason
            return None

    def label(self, name: str) -> str:
        """Return the label of a field, for a sentence."""
        kind, *indexes = name.split(".")
        if kind == "type":
            return f"Usage type {int(indexes[0]) + 1}"
        if not indexes:
            return kind.capitalize() if kind != "start" else "From"
        column = f"Tier {indexes[0]}" if indexes[0] != "0" else "Base"
        return f"{column}, {self.types[int(indexes[1])] if kind == 'price' else kind}"

    def _check_types(self) -> None:
        for row, name in enumerate(self.types):
            if not name and any(column.prices[row] for column in self.columns):
                self.errors[f"type.{row}"] = "expected the usage type of these prices"
            elif name and name in self.types[:row]:
                self.errors[f"type.{row}"] = "expected each usage type once"

    def _prices(self, column: int) -> dict[str, Decimal]:
        prices = {}
        for row, text in enumerate(self.columns[column].prices):
            if text:
                try:
                    price = _dollars(text)
                    check_dollars(price, "")
                except (InvalidOperation, ValueError):
                    reason = "expected dollars per million tokens, such as 2.50"
                    self.errors[f"price.{column}.{row}"] = reason
                else:
                    prices[self.types[row]] = price
        return prices

    def _tier(self, index: int) -> Tier | None:
        column = self.columns[index]
        prices, above, parameters = self._prices(index), None, {}
        if column.above:
            try:
                above = int(re.sub(r"[,_ ]", "", column.above))
            except ValueError:
                above = -1
            if not 0 <= above <= 10**12:
                self.errors[f"above.{index}"] = "expected a number of tokens, such as 200000"
        for pair in filter(None, (part.strip() for part in column.parameters.split(","))):
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not (equals and name and value):
                self.errors[f"parameters.{index}"] = (
                    "expected name=value, such as service_tier=flex"
                )
            parameters[name] = value
        if not (column.above or parameters):
            self.errors.setdefault(f"above.{index}", "expected the condition of these prices")
        if not any(column.prices):
            self.errors[f"price.{index}.0"] = "expected at least one price in this column"
        return None if self.errors else Tier(prices=prices, above=above, parameters=parameters)

    def _start(self) -> datetime | None:
        if not self.start:
            return None
        time = parse_time(self.start)
        if time is None:
            self.errors["start"] = "expected a time such as 2026-01-31T00:00"
        return time


def _dollars(text: str) -> Decimal:
    if not re.fullmatch(r"\$?\s*[0-9]*\.?[0-9]{0,30}", text):
        raise InvalidOperation
    return Decimal(text.lstrip("$ "))
