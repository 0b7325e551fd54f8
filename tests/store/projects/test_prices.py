"""A project's own prices: stored, cached by the writer, and the costs of spans by them."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, stored_state, table_rows
from tests.support.traces.drawn_records import span_records
from tests.support.traces.records import T0, span
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates, Tier
from tracer.records import Batch, SpanPatch, SpanRecord
from tracer.store.database.session import transaction
from tracer.store.projects import prices
from tracer.store.projects.prices import PriceRow
from tracer.store.projects.projects import create_project
from tracer.store.traces.span_detail import get_span
from tracer.store.writing.price_cache import PriceBooks
from tracer.store.writing.transaction import store
from tracer.store.writing.writer import Writer

USAGE = {"input": 1_000_000}


def draft(model: str, dollars: str, **fields: Any) -> PriceDraft:
    return PriceDraft(model=model, rates=Rates(base={"input": Decimal(dollars)}), **fields)


def add(project: str, price: PriceDraft) -> PriceRow:
    with transaction():
        return prices.create_price(project, price)


def retire(project: str, price_id: str, *, retired: bool = True) -> PriceRow | None:
    with transaction():
        return prices.retire_price(project, price_id, retired=retired)


def costs(project: str, writer: Writer, *items: SpanRecord | SpanPatch) -> list[Any]:
    """Store these, and return of each span its cost and where that comes from."""
    batch = Batch()
    for item in items:
        (batch.spans if isinstance(item, SpanRecord) else batch.patches).append(item)  # type: ignore[arg-type]
    assert writer.write(project, batch) == []
    spans = [get_span(project, "t", item.span_id) for item in items]
    return [(row.cost, row.cost_source, row.priced_by) for row in spans if row]


def test_a_price_is_used_at_once_until_it_is_retired(project: str, writer: Writer) -> None:
    unpriced = costs(project, writer, span("a", model="house", usage=USAGE))
    made = add(project, draft("HOUSE*", "2.5"))
    priced = costs(project, writer, span("b", model="house", usage=USAGE))
    retire(project, made.price_id)
    after = costs(project, writer, span("c", model="house", usage=USAGE))
    assert unpriced == after == [({}, None, None)]
    assert priced == [({"input": Decimal("2.5")}, "custom", made.price_id)]


def test_a_stored_span_keeps_its_cost_and_names_its_price(project: str, writer: Writer) -> None:
    made = add(project, draft("house", "2.5"))
    before = costs(project, writer, span("a", model="house", usage=USAGE))
    retire(project, made.price_id)
    costs(project, writer, span("a", model="house", usage=USAGE))
    row = get_span(project, "t", "a")
    assert row
    assert [(row.cost, row.cost_source, row.priced_by)] == before
    again = retire(project, made.price_id, retired=False)
    assert again
    assert again.retired_at is None


@pytest.mark.usefixtures("writer")
def test_another_process_uses_a_price_at_once(
    project: str, connection: psycopg.Connection[Any]
) -> None:
    elsewhere = PriceBooks()

    def put(span_id: str) -> Any:
        item = span(span_id, model="house", usage=USAGE)
        store(connection, [(project, Batch(spans=[item]))], elsewhere)
        stored = get_span(project, "t", span_id)
        return stored and stored.cost

    assert put("a") == {}
    first = add(project, draft("house", "3"))
    assert put("b") == {"input": Decimal(3)}
    add(project, draft("house", "4"))
    assert put("c") == {"input": Decimal(4)}
    retire(project, first.price_id)
    assert put("d") == {"input": Decimal(4)}


def test_prices_are_read_again_only_after_a_change(
    project: str, connection: psycopg.Connection[Any]
) -> None:
    added = add(project, draft("house", "3"))
    books = PriceBooks()
    first = books.load(connection, {project, "none"})
    assert books.load(connection, {project})[project] is first[project]
    retire(project, added.price_id)
    assert books.load(connection, {project})[project] is not first[project]


def test_a_cost_that_the_application_sends_is_kept(project: str, writer: Writer) -> None:
    add(project, draft("house", "2"))
    given_cost = {"total": Decimal("0.1")}
    item = span("a", model="house", usage=USAGE, cost=given_cost, cost_source="given")
    assert costs(project, writer, item) == [(given_cost, "given", None)]


def test_a_price_of_zero_is_a_cost_of_zero_and_not_unpriced(project: str, writer: Writer) -> None:
    add(project, draft("free", "0"))
    (free,) = costs(project, writer, span("a", model="free", usage=USAGE))
    (unknown,) = costs(project, writer, span("b", model="unheard-of", usage=USAGE))
    assert free[0] == {"input": Decimal(0)}
    assert unknown == ({}, None, None)
    details = get_span(project, "t", "a"), get_span(project, "t", "b")
    assert [row and row.total_cost for row in details] == [Decimal(0), None]


def test_an_update_that_clears_the_model_or_the_tokens_clears_the_cost(
    project: str, writer: Writer
) -> None:
    add(project, draft("house", "2"))
    item = span("a", model="house", usage=USAGE)
    assert costs(project, writer, item)[0][1] == "custom"
    patch = SpanPatch(trace_id="t", span_id="a", version=T0 + 5, fields={"usage": None})
    assert costs(project, writer, patch) == [({}, None, None)]


def test_prices_apply_to_their_own_project_only(
    project: str, writer: Writer, connection: psycopg.Connection[Any]
) -> None:
    create_project("other", "Other")
    made = add(project, draft("house", "2"))
    assert prices.get_price("other", made.price_id) is None
    assert retire("other", made.price_id) is None
    assert prices.annotate_price("other", made.price_id, "mine") is None
    assert prices.list_prices("other") == []
    assert costs("other", writer, span("a", model="house", usage=USAGE)) == [({}, None, None)]
    both = [
        (name, Batch(spans=[span("b", model="house", usage=USAGE)])) for name in ("other", project)
    ]
    store(connection, both)
    stored = {
        row["project_id"]: row["priced_by"]
        for row in table_rows(connection, "span_payloads")
        if row["span_id"] == "b"
    }
    assert stored == {"other": None, project: made.price_id}


def test_rates_are_read_back_digit_by_digit(project: str) -> None:
    tier = Tier(above=5, parameters={"service_tier": "flex"}, prices={"input": Decimal("0.10")})
    rates = Rates(base={"input": Decimal("2.50"), "output": Decimal("0.075")}, tiers=[tier])
    made = add(project, PriceDraft(model="m", rates=rates, note="why"))
    price = prices.get_price(project, made.price_id)
    assert price == made
    assert price
    assert msgspec.json.encode(price.rates) == msgspec.json.encode(rates)
    assert price.draft() == PriceDraft(model="m", rates=rates, note="why")


def test_models_of_the_latest_traces_are_listed(project: str, writer: Writer) -> None:
    costs(project, writer, span("a", model="m1"), span("b", model="m2"), span("c", model="m2"))
    assert prices.recent_models(project) == ["m2", "m1"]


@pytest.fixture
def books(project: str, connection: psycopg.Connection[Any]) -> PriceBooks:  # noqa: ARG001 - the fixture comes first
    """Prices of the project in which model gpt-4o has tiers by size."""
    tier = Tier(above=3, prices={"output": Decimal(9)})
    rates = Rates(base={"input": Decimal(1), "output": Decimal(2)}, tiers=[tier])
    add(project, PriceDraft(model="gpt-*", rates=rates))
    return PriceBooks()


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    items=st.lists(span_records(), min_size=1, max_size=6),
    cleared=st.sampled_from([None, {"model": None}, {"usage": None}, {"usage": {"input": 9}}]),
    dice=st.randoms(use_true_random=False),
)
def test_under_the_same_prices_any_order_gives_the_same_cost(
    connection: psycopg.Connection[Any],
    books: PriceBooks,
    items: list[Any],
    cleared: dict[str, Any] | None,
    dice: random.Random,
) -> None:
    if cleared:
        items = [*items, SpanPatch(trace_id="t", span_id="a", version=T0, fields=cleared)]

    def stored(items: list[Any], sizes: Iterator[int]) -> Any:
        clear_tables(connection)
        waiting = iter(copy.deepcopy(items))
        while some := list(itertools.islice(waiting, next(sizes))):
            batch = Batch(
                spans=[item for item in some if isinstance(item, SpanRecord)],
                patches=[item for item in some if isinstance(item, SpanPatch)],
            )
            store(connection, [("default", batch)], books)
        return stored_state(connection)

    whole = stored(items, itertools.repeat(len(items)))
    assert stored(dice.sample(items, len(items)), itertools.repeat(1)) == whole
