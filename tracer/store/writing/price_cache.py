"""The writer's cache of the projects' own prices."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg

from tracer.pricing.price_book import Price, PriceBook
from tracer.pricing.rates import Rates
from tracer.records import Json
from tracer.times import to_micros

CACHE_SECONDS: Final = 5.0
"""Cache lifetime: other processes may use outdated prices for up to this many seconds."""

_READ = """
    SELECT project_id, price_id, model, provider, start_time, rates, created_at
    FROM prices WHERE project_id = ANY(%s) AND retired_at IS NULL
"""


class PriceBooks:
    """The cached price books of one process; `forget` may be called from any thread."""

    def __init__(self) -> None:
        self._cached: dict[str, tuple[float, PriceBook]] = {}
        self._forgotten = 0

    def load(
        self, connection: psycopg.Connection[Any], project_ids: Collection[str]
    ) -> dict[str, PriceBook]:
        """Return the book of each project; missing or outdated books are read in one query."""
        now = time.monotonic()
        books = {}
        for project_id in project_ids:
            until, book = self._cached.get(project_id, (0.0, None))
            if book is None or until < now:
                break
            books[project_id] = book
        else:
            return books
        return self._read(connection, list(project_ids), now + CACHE_SECONDS)

    def forget(self, project_id: str) -> None:
        """Drop a project's prices from the cache, because they have changed."""
        self._forgotten += 1
        self._cached.pop(project_id, None)

    def _read(
        self, connection: psycopg.Connection[Any], project_ids: list[str], until: float
    ) -> dict[str, PriceBook]:
        before = self._forgotten
        prices_by_project: dict[str, list[Price]] = {project_id: [] for project_id in project_ids}
        for project_id, *row in connection.execute(_READ, [project_ids]):
            prices_by_project[project_id].append(_price(*row))
        books = {project_id: PriceBook(prices) for project_id, prices in prices_by_project.items()}
        # Not cached where `forget` was called meanwhile: the rows may predate that change.
        if before == self._forgotten:
            self._cached |= {project_id: (until, book) for project_id, book in books.items()}
        return books


def _price(
    price_id: str,
    model: str,
    provider: str | None,
    start: datetime | None,
    rates: Json,
    created: datetime,
) -> Price:
    return Price(
        price_id=price_id,
        model=model,
        provider=provider,
        start=None if start is None else to_micros(start),
        rates=msgspec.convert(rates, Rates),
        created=to_micros(created),
    )
