"""Prices in the JSON API: added, read, matched, cloned, retired; each project its own."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracer.pricing.list_prices import LIST_NAME, PRICES_VERSION
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.prices import base_id_of
from tracer.store.projects.projects import create_project

RATES = {
    "base": {"input": 2.5, "output": 10, "cache_read": "0.0750"},
    "tiers": [{"above": 200000, "parameters": {"service_tier": "flex"}, "prices": {"input": 1.25}}],
}


def add(client: FlaskClient, **fields: Any) -> Any:
    answer = client.post("/api/v1/prices", json={"model": "house-*", "rates": RATES} | fields)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def generation(client: FlaskClient, span_id: str, **fields: Any) -> Any:
    fields = {"id": span_id, "model": "house-1", "usage": {"input": 3}} | fields
    return client.post("/api/v1/traces/t/generations", json=fields).get_json()


def test_a_price_is_read_as_it_was_added(client: FlaskClient) -> None:
    made = add(client, provider="acme", start_time="2026-01-31T10:00:00+01:00", note="why")
    assert made["rates"]["base"] == {"input": 2.5, "output": 10, "cache_read": 0.075}
    assert made["rates"]["tiers"] == RATES["tiers"]
    assert made["start_time"] == "2026-01-31T09:00:00.000000Z"
    assert (made["model"], made["provider"], made["note"]) == ("house-*", "acme", "why")
    assert made["retired_at"] is None
    assert client.get(f"/api/v1/prices/{made['id']}").get_json() == made
    assert client.get("/api/v1/prices").get_json() == {"data": [made], "list_prices": LIST_NAME}


def test_a_span_names_its_price(client: FlaskClient) -> None:
    made = add(client)
    own = generation(client, "a", usage={"input": 3, "cache_read": 1})
    assert own["cost"] == {"input": 0.0000075, "cache_read": 0.000000075}
    assert (own["cost_source"], own["priced_by"]) == ("custom", made["id"])
    listed = generation(client, "b", model="gpt-4o")
    assert (listed["cost_source"], listed["priced_by"]) == ("computed", LIST_NAME)
    given = generation(client, "c", total_cost=0.5)
    assert (given["cost"], given["cost_source"], given["priced_by"]) == (
        {"total": 0.5},
        "given",
        None,
    )
    unknown = generation(client, "d", model="shed")
    assert (unknown["cost"], unknown["cost_source"], unknown["priced_by"]) == ({}, None, None)
    assert unknown["total_cost"] is None


def test_all_digits_of_a_cost_are_sent(client: FlaskClient) -> None:
    add(client, rates={"base": {"input": "0.123457"}})
    generation(client, "a", usage={"input": 1})
    text = client.get("/api/v1/traces/t/spans/a").text
    assert json.loads(text, parse_float=Decimal)["total_cost"] == Decimal("0.000000123457")


def test_a_call_is_matched(client: FlaskClient) -> None:
    made = add(client, provider="azure", start_time="2026-01-01T00:00:00Z")

    def match(**query: str) -> Any:
        return client.get("/api/v1/prices/match", query_string=query).get_json()

    own = match(model="House-2", provider="azure.ai.openai", at="2026-01-01T00:00:00Z")
    assert own == {
        "cost_source": "custom",
        "price": made,
        "list_price": None,
        "rates": made["rates"],
    }
    early = match(model="house-2", provider="azure", at="2025-12-31T23:59:59Z")
    assert early == {"cost_source": None, "price": None, "list_price": None, "rates": None}
    assert match(model="x", requested_model="house-2", provider="azure")["price"] == made
    listed = match(model="gemini-1.5-pro", provider="google")
    assert listed["cost_source"] == "computed"
    assert listed["list_price"]["provider"] == "google"
    assert listed["list_price"]["version"] == PRICES_VERSION
    assert listed["rates"]["tiers"][0]["above"] == 128_000


def test_a_clone_differs_in_the_fields_that_were_sent(client: FlaskClient) -> None:
    made = add(client, note="why", provider="acme")
    changes = {"start_time": "2027-01-01T00:00:00Z", "provider": None}
    clone = client.post(f"/api/v1/prices/{made['id']}/clone", json=changes).get_json()
    same = {"model", "rates", "note", "retired_at"}
    assert {name: clone[name] for name in same} == {name: made[name] for name in same}
    assert (clone["start_time"], clone["provider"]) == ("2027-01-01T00:00:00.000000Z", None)
    assert clone["id"] != made["id"]
    wrong = client.post(f"/api/v1/prices/{made['id']}/clone", json={"note": "x" * 2_001})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (400, "note")


def test_a_price_is_retired_and_restored_and_its_note_is_changed(client: FlaskClient) -> None:
    made = add(client)
    path = f"/api/v1/prices/{made['id']}"
    retired = client.patch(path, json={"retired": True, "note": "over"}).get_json()
    assert retired["retired_at"]
    assert retired["note"] == "over"
    assert generation(client, "a")["cost"] == {}
    again = client.patch(path, json={"retired": True}).get_json()
    assert again["retired_at"] == retired["retired_at"]
    assert client.patch(path, json={"retired": False, "note": None}).get_json() == made
    assert generation(client, "b")["cost_source"] == "custom"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": ""}, "model"),
        ({"model": "a\nb"}, "model"),
        ({"provider": "x" * 2_001}, "provider"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": "0001-01-01T00:00:00Z"}, "start_time"),
        ({"rates": {"base": {}}}, "rates.base"),
        ({"rates": {"base": {"input": -1}}}, "rates.base.input"),
        ({"rates": {"base": {"input": "NaN"}}}, "rates.base.input"),
        ({"rates": {"base": {"input": 1}, "tiers": [{"prices": {"input": 1}}]}}, "rates.tiers[0]"),
        ({"rates": {"base": {"input": 1}, "tier": []}}, "rates.tier"),
        ({"prices": 1}, "prices"),
    ],
)
def test_an_invalid_price_is_refused_with_its_field(
    client: FlaskClient, wrong: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/v1/prices", json={"model": "m", "rates": RATES} | wrong)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["errors"][0]["field"] == field, answer.text
    assert client.get("/api/v1/prices").get_json()["data"] == []


def test_a_project_neither_sees_nor_changes_the_prices_of_another(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        secret = create_key("other", "k")[1]
    made = add(client)
    path, key = f"/api/v1/prices/{made['id']}", {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/prices", headers=key).get_json()["data"] == []
    assert client.get(path, headers=key).status_code == 404
    assert client.patch(path, json={"retired": True}, headers=key).status_code == 404
    assert client.post(f"{path}/clone", json={}, headers=key).status_code == 404
    matched = client.get("/api/v1/prices/match?model=house-1", headers=key).get_json()
    assert matched["cost_source"] is None
    assert client.get(path).get_json() == made


def test_an_interrupted_change_of_a_model_leaves_one_price_in_use(
    client: FlaskClient, database_url: str
) -> None:
    model = {"modelName": "house", "matchPattern": "house", "unit": "TOKENS", "inputPrice": 1}
    made = client.post("/api/public/models", json=model).get_json()
    in_use = "SELECT price_id FROM prices WHERE retired_at IS NULL"
    with psycopg.connect(database_url, autocommit=True) as connection:
        # The server's connection ends between the statement that adds and the one that retires.
        connection.execute(
            "CREATE FUNCTION cut_short() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);"
            " RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER cut_short BEFORE UPDATE ON prices"
            " FOR EACH ROW EXECUTE FUNCTION cut_short()"
        )
        try:
            changed = client.put(f"/api/public/models/{made['id']}", json=model)
            left = connection.execute(in_use).fetchall()
        finally:
            connection.execute("DROP FUNCTION cut_short CASCADE")
        assert changed.status_code == 503
        assert left == [(made["id"],)]
        again = client.put(f"/api/public/models/{made['id']}", json=model)
        assert again.get_json()["id"] == made["id"]
        [(price_id,)] = connection.execute(in_use).fetchall()
        assert base_id_of(price_id) == made["id"] != price_id
