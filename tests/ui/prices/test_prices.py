"""The pages of prices: the list, matching a model name, the form, retiring."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.pricing.list_prices import LIST_NAME
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates, Tier
from tracer.store.database.session import transaction
from tracer.store.projects import prices
from tracer.store.projects.prices import PriceRow

OWN = {"Sec-Fetch-Site": "same-origin"}
NEW = "/project/default/prices/new"


def post(client: FlaskClient, path: str = NEW, **fields: str) -> TestResponse:
    return client.post(
        path, data={name.replace("__", "."): v for name, v in fields.items()}, headers=OWN
    )


def base(*texts: str, column: int = 0) -> dict[str, str]:
    """Return the fields of one column, beside those of the types of its rows."""
    types = ("input", "output", "cache_read", "cache_write", "reasoning")
    cells = {f"price.{column}.{row}": text for row, text in enumerate(texts)}
    return cells | {f"type.{row}": types[row] for row in range(len(texts))}


def add(project: str, model: str, dollars: str = "1", **fields: Any) -> PriceRow:
    tiers = fields.pop("tiers", [])
    rates = Rates(base={"input": Decimal(dollars)}, tiers=tiers)
    with transaction():
        return prices.create_price(project, PriceDraft(model=model, rates=rates, **fields))


def table(page: Element, label: str) -> list[list[str]]:
    region = page.one("div", aria_label=label)
    return [[cell.text for cell in row.all("td")] for row in region.one("tbody").all("tr")]


def call(trace_id: str, model: str, **fields: Any) -> TraceBuilder:
    usage = fields.pop("usage", {"input": 1_000_000})
    return TraceBuilder(trace_id, name="t").span(
        "s", kind="generation", model=model, usage=usage, **fields
    )


def test_a_price_is_added_with_its_tiers(project: str, client: FlaskClient) -> None:
    fields = {"model": "gpt-4*", "provider": "azure", "start": "2026-01-31T10:00", "note": "deal"}
    fields |= base("$2.50", "10", "", "", "") | base("", "5", column=1)
    fields |= {"above.1": "200,000", "parameters.1": "service_tier = flex, batch=true"}
    answer = post(client, **fields)
    assert answer.status_code == 303, answer.text
    (row,) = prices.list_prices(project)
    assert answer.headers["Location"] == f"/project/default/prices#price-{row.price_id}"
    parameters = {"service_tier": "flex", "batch": "true"}
    tier = Tier(above=200_000, parameters=parameters, prices={"output": Decimal(5)})
    base_prices = {"input": Decimal("2.50"), "output": Decimal(10)}
    assert row.rates == Rates(base=base_prices, tiers=[tier])
    assert (row.model, row.provider, row.note) == ("gpt-4*", "azure", "deal")
    assert row.start_time
    assert row.start_time.isoformat() == "2026-01-31T10:00:00+00:00"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"model": ""} | base("1"), "model"),
        ({"model": "m"}, "price.0.0"),
        ({"model": "m"} | base("free"), "price.0.0"),
        ({"model": "m"} | base("1", "-2"), "price.0.1"),
        ({"model": "m"} | base("1", "2000000"), "price.0.1"),
        ({"model": "m", "start": "soon"} | base("1"), "start"),
        ({"model": "m", "start": "0001-01-01"} | base("1"), "start"),
        ({"model": "m", "type.1": "", "price.0.1": "2"} | base("1"), "type.1"),
        ({"model": "m", "type.1": "input", "price.0.1": "2"} | base("1"), "type.1"),
        ({"model": "m", "above.1": "many"} | base("1") | base("2", column=1), "above.1"),
        ({"model": "m"} | base("1") | base("2", column=1), "above.1"),
        ({"model": "m", "above.1": "5", "price.1.0": ""} | base("1"), "price.1.0"),
        ({"model": "m", "parameters.1": "flex"} | base("1") | base("2", column=1), "parameters.1"),
        ({"model": "m", "provider": "p" * 201} | base("1"), "provider"),
        ({"model": "m", "note": "n" * 2001} | base("1"), "note"),
    ],
)
def test_an_error_is_at_its_field_and_the_form_keeps_its_values(
    project: str, client: FlaskClient, fields: dict[str, str], wrong: str
) -> None:
    answer = post(client, **fields)
    assert answer.status_code == 422
    page = parse(answer.text)
    (marked,) = [field for field in page.all("input") if "aria-invalid" in field.attributes]
    assert marked["name"] == marked["id"] == wrong
    assert "expected" in page.one(id=f"{wrong}-error").text
    assert page.one("p", role="alert").one("a")["href"] == f"#{wrong}"
    for name, text in fields.items():
        assert page.one("input", name=name)["value"] == text.strip()
    assert prices.list_prices(project) == []


def test_the_form_gets_more_rows_without_a_script(project: str, client: FlaskClient) -> None:
    fields = {"model": "m"} | base("1", "2", "", "", "") | base("3", column=1)
    page = parse(post(client, more="tier", **fields).text)
    assert page.one("input", name="price.2.0")["value"] == ""
    assert page.one("input", name="price.1.0")["value"] == "3"
    assert page.all("input", name="type.5") == []
    page = parse(post(client, more="type", **fields).text)
    assert page.one("input", name="type.5")["value"] == ""
    assert prices.list_prices(project) == []


def test_a_clone_is_a_form_with_the_same_price(
    project: str, get_page: GetPage, client: FlaskClient
) -> None:
    tiers = [Tier(parameters={"service_tier": "flex"}, prices={"images": Decimal("0.001")})]
    row = add(project, "m", "2.50", provider="p", note="why", tiers=tiers)
    form = get_page(f"/prices/new?like={row.price_id}")
    sent = {field["name"]: field["value"] for field in form.one("main").all("input")}
    assert post(client, **sent).status_code == 303
    first, second = prices.list_prices(project)
    assert first.draft() == second.draft() == row.draft()
    get_page("/prices/new?like=nothing", status=404)


def test_the_list_shows_prices_in_use_before_retired_ones(project: str, get_page: GetPage) -> None:
    gone = add(project, "a-model", "1", note="old")
    add(project, "z-*", "0.25", provider="acme")
    with transaction():
        prices.retire_price(project, gone.price_id)
    rows = table(get_page("/prices"), "Prices of this project")
    assert [row[:6] for row in rows] == [
        ["z-*", "acme", "always", "input $0.25", "", "in use"],
        ["a-model", "any", "always", "input $1.00", "old", "retired"],
    ]


def test_a_model_name_can_be_matched_against_all_prices(project: str, get_page: GetPage) -> None:
    add(
        project,
        "gpt-4o",
        "7",
        provider="azure",
        tiers=[Tier(above=5, prices={"input": Decimal(8)})],
    )
    own = get_page("/prices?model=GPT-4o&provider=azure.ai.openai&input=1000000&output=0")
    assert "This project's price gpt-4o of azure." in own.text
    assert table(own, "The prices of this call") == [["input", "$7.00", "$8.00"]]
    assert "1,000,000 input and 0 output tokens cost $8.00." in own.text
    listed = get_page("/prices?model=gpt-4o&provider=openai")
    assert f"List price of openai for gpt-4o, {LIST_NAME}." in listed.text
    assert "openai / gpt-4o" in [row[0] for row in table(listed, "List prices")]
    unknown = get_page("/prices?model=unheard-of")
    assert "No price is known for unheard-of" in unknown.text
    assert unknown.one("a", css="link", href="/project/default/prices/new?model=unheard-of")


def test_a_match_respects_the_date_and_the_parameters(project: str, get_page: GetPage) -> None:
    flex = Tier(parameters={"service_tier": "flex"}, prices={"input": Decimal(1)})
    add(project, "m", "2", tiers=[flex])
    cheap = get_page("/prices?model=m&parameters=service_tier%3Dflex&input=1000000&output=0")
    assert "cost $1.00." in cheap.text
    add(project, "m", "9", start_time=datetime(2026, 1, 31, tzinfo=UTC))
    dated = [get_page(f"/prices?model=m&at=2026-01-{day}T00:00&input=1000000") for day in (30, 31)]
    assert ["cost $2.00." in dated[0].text, "cost $9.00." in dated[1].text] == [True, True]
    broken = get_page("/prices?model=m&at=tomorrow")
    assert broken.one(id="at-error").text.startswith("expected a time")


def test_models_without_a_price_link_to_the_form(
    store_traces: StoreTraces, project: str, get_page: GetPage
) -> None:
    store_traces(call("t1", "house"), call("t2", "shed"), call("t3", "house"))
    first = get_page("/prices")
    rows = table(first, "Models without a price")
    assert [row[:2] for row in rows] == [["house", "2"], ["shed", "1"]]
    assert rows[0][3] == "Add a price for house"
    form = get_page("/prices/new?model=house")
    assert form.one("input", name="model")["value"] == "house"
    add(project, "house")
    assert (
        table(get_page("/prices"), "Models without a price")[0][3] == "this project's price house"
    )


def test_retiring_shows_its_effect_first_and_can_be_cancelled(
    store_traces: StoreTraces, project: str, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(call("t1", "gpt-4o"), call("t2", "gpt-house"), call("t3", "other"))
    row = add(project, "gpt-*")
    path = f"/prices/{row.price_id}"
    assert table(get_page(path), "Affected calls") == [
        ["gpt-4o", "list price openai / gpt-4o"],
        ["gpt-house", "unpriced"],
    ]
    assert post(client, f"/project/default{path}", action="retire").status_code == 303
    retired = prices.get_price(project, row.price_id)
    assert retired
    assert retired.retired_at
    assert "Restore this price" in get_page(path).text
    post(client, f"/project/default{path}", action="restore")
    assert prices.get_price(project, row.price_id) == row
    assert post(client, f"/project/default{path}", action="delete").status_code == 400
    assert post(client, "/project/default/prices/none", action="retire").status_code == 404


def test_the_panel_names_the_source_of_a_cost(
    store_traces: StoreTraces, project: str, get_page: GetPage
) -> None:
    row = add(project, "hou*", "0")
    paid = {"cost": {"total": Decimal(1)}, "cost_source": "given"}
    store_traces(
        call("t1", "house"), call("t2", "gpt-4o"), call("t3", "house", **paid), call("t4", "shed")
    )
    panels = [get_page(f"/traces/t{n}/span?id=s", fragment=True) for n in range(1, 5)]
    notes = [panel.all("div", "sect")[2].one("small") for panel in panels]
    assert [note.text for note in notes] == [
        "cost from this project's price hou*",
        f"cost from list prices, {LIST_NAME}",
        "cost as sent by the application",
        "no price known for this model Add one",
    ]
    assert notes[0].one("a")["href"] == f"/project/default/prices/{row.price_id}"
    assert notes[3].one("a")["href"] == "/project/default/prices/new?model=shed"
    assert panels[0].one("tbody").all("td", "num")[-1].text == "$0"


def test_the_settings_lead_to_the_prices(get_page: GetPage) -> None:
    places = get_page("/settings").one("nav", "places")
    assert places.one("a", href="/project/default/prices").text == "Prices"


def test_hostile_names_stay_text(
    store_traces: StoreTraces, project: str, get_page: GetPage
) -> None:
    name = "<script>alert(1)</script>"
    add(project, name, note=name)
    store_traces(call("t1", f"{name}2"))
    shown = get_page(f"/prices?model={name}&provider={name}&parameters={name}")
    assert len(shown.all("script")) == len(get_page("/settings").all("script"))
    assert name in shown.text
