"""A project's own prices: rows are added, retired and restored, never changed or deleted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from tracer.extensions import db
from tracer.pricing.price_book import Price, PriceBook, PriceDraft
from tracer.pricing.rates import Rates
from tracer.store.schema import prices, traces
from tracer.times import optional_micros, to_micros

RECENT_TRACES: Final = 1_000
MAX_MODELS: Final = 200
_REVISION: Final = "@r"
"""Separates the id of a price from the random suffix of its revision."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRow:
    """One price of a project; retired prices are not used for new spans."""

    price_id: str
    model: str
    provider: str | None
    start_time: datetime | None
    rates: Rates
    note: str | None
    created_at: datetime
    retired_at: datetime | None

    def draft(self) -> PriceDraft:
        """Return the draft from which the same price can be created again."""
        fields = PriceDraft.__struct_fields__
        return PriceDraft(**{name: getattr(self, name) for name in fields})

    def value(self) -> Price:
        """Return the price as `PriceBook` uses it."""
        return Price(
            price_id=self.price_id,
            model=self.model,
            provider=self.provider,
            start=optional_micros(self.start_time),
            rates=self.rates,
            created=to_micros(self.created_at),
        )


def list_prices(project_id: str) -> list[PriceRow]:
    """Return all prices of a project: those in use first, by model, the latest start first."""
    query = (
        sa.select(*_COLUMNS)
        .where(prices.c.project_id == project_id)
        .order_by(
            prices.c.retired_at.is_not(None),
            sa.func.lower(prices.c.model),
            prices.c.provider,
            prices.c.start_time.desc().nulls_last(),
            prices.c.created_at.desc(),
            prices.c.price_id,
        )
    )
    return [_row(row) for row in db.session.execute(query)]


def get_price(project_id: str, price_id: str) -> PriceRow | None:
    """Return a price of the project, in use or retired; None: there is none of this id."""
    query = sa.select(*_COLUMNS).where(*_is(project_id, price_id))
    row = db.session.execute(query).one_or_none()
    return None if row is None else _row(row)


def price_in_use(project_id: str, base_id: str) -> PriceRow | None:
    """Return the price of this id, or the one that replaced it; None: none of them is in use."""
    revision = prices.c.price_id.startswith(f"{base_id}{_REVISION}", autoescape=True)
    query = (
        sa.select(*_COLUMNS)
        .where(prices.c.project_id == project_id, prices.c.retired_at.is_(None))
        .where(sa.or_(prices.c.price_id == base_id, revision))
        .order_by(prices.c.created_at.desc(), prices.c.price_id)
        .limit(1)
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else _row(row)


def replace_price(project_id: str, base_id: str, draft: PriceDraft) -> PriceRow:
    """Add a price under an id of the caller's choice, and retire the price that it replaces.

    Stored prices never change, so a replacement is a revision with an id of its own, of which
    `base_id_of` returns ``base_id``.
    """
    key = sa.func.hashtextextended(f"{project_id}\n{base_id}", 0)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    replaced = price_in_use(project_id, base_id)
    if replaced is not None:
        retire_price(project_id, replaced.price_id)
    taken = replaced is not None or get_price(project_id, base_id) is not None
    revision = f"{base_id}{_REVISION}{secrets.token_hex(6)}"
    return create_price(project_id, draft, revision if taken else base_id)


def base_id_of(price_id: str) -> str:
    """Return the id under which the first revision of a price was added."""
    base_id, separator, revision = price_id.rpartition(_REVISION)
    return base_id if separator and re.fullmatch("[0-9a-f]{12}", revision) else price_id


def create_price(project_id: str, draft: PriceDraft, price_id: str | None = None) -> PriceRow:
    """Add a price, which applies to spans that are stored from now on."""
    values = {
        **msgspec.structs.asdict(draft),
        "project_id": project_id,
        "price_id": price_id or secrets.token_hex(6),
        # Decimals as text: numbers in JSON would be read back as floats.
        "rates": msgspec.to_builtins(draft.rates),
    }
    row = db.session.execute(sa.insert(prices).values(values).returning(*_COLUMNS)).one()
    return _row(row)


def retire_price(project_id: str, price_id: str, *, retired: bool = True) -> PriceRow | None:
    """Retire a price, or restore it; return it; None: the project has no such price.

    A price that is already retired keeps the time of its retirement.
    """
    when = sa.func.coalesce(prices.c.retired_at, sa.func.now()) if retired else None
    return _update(project_id, price_id, {"retired_at": when})


def annotate_price(project_id: str, price_id: str, note: str | None) -> PriceRow | None:
    """Replace the note of a price; return the price; None: the project has no such price."""
    return _update(project_id, price_id, {"note": note})


def price_book(rows: list[PriceRow]) -> PriceBook:
    """Return the price book of the prices that are in use."""
    return PriceBook(row.value() for row in rows if row.retired_at is None)


def recent_models(project_id: str) -> list[str]:
    """Return the names of the models of the project's latest traces, most used first."""
    latest = (
        sa.select(traces.c.models)
        .where(traces.c.project_id == project_id)
        .order_by(traces.c.start_time.desc(), traces.c.trace_id.desc())
        .limit(RECENT_TRACES)
        .subquery()
    )
    model = sa.func.jsonb_each_text(latest.c.models).table_valued("key", "value")
    query = (
        sa.select(model.c.key)
        .select_from(latest.join(model, sa.true()))
        .group_by(model.c.key)
        .order_by(sa.func.sum(sa.cast(model.c.value, sa.BigInteger)).desc(), model.c.key)
        .limit(MAX_MODELS)
    )
    return list(db.session.scalars(query))


_COLUMNS = [prices.c[name] for name in PriceRow.__dataclass_fields__]


def _is(project_id: str, price_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return prices.c.project_id == project_id, prices.c.price_id == price_id


def _row(row: sa.Row[tuple[object, ...]]) -> PriceRow:
    return PriceRow(**row._asdict() | {"rates": msgspec.convert(row.rates, Rates)})


def _update(project_id: str, price_id: str, values: dict[str, object]) -> PriceRow | None:
    query = sa.update(prices).where(*_is(project_id, price_id)).values(values).returning(*_COLUMNS)
    row = db.session.execute(query).one_or_none()
    return None if row is None else _row(row)
