"""A project is archived and deleted; origins of browser applications are named."""

from __future__ import annotations

import threading

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.requests import StoreTraces, post_form
from tests.support.pages.sample_traces import agent_trace
from tracer.store.database.session import transaction
from tracer.store.deletion.projects import purge_projects
from tracer.store.projects.keys import create_key
from tracer.store.projects.origins import get_origins
from tracer.store.projects.projects import create_project
from tracer.store.schema import metadata

PAGE = "/project/shop/settings"


@pytest.fixture
def secret(app: Flask) -> str:
    """The secret of a key of the project `shop`, which it makes."""
    with app.app_context(), transaction():
        create_project("shop", "Shop")
        return create_key("shop", "k")[1]


def send(client: FlaskClient, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return client.post("/api/v1/traces", json={"name": "t"}, headers=headers).status_code


def test_an_archived_project_can_only_be_read_until_it_is_restored(
    client: FlaskClient, secret: str
) -> None:
    assert send(client, secret) == 201
    post_form(client, f"{PAGE}/archive", action="archive")
    assert send(client, secret) == 403
    assert client.get("/project/shop/traces").status_code == 200
    post_form(client, f"{PAGE}/archive", action="restore")
    assert send(client, secret) == 201


def test_a_deleted_project_is_gone_at_once_and_its_rows_later(
    client: FlaskClient,
    secret: str,
    store_traces: StoreTraces,
    database_url: str,
) -> None:
    store_traces(agent_trace(), project="shop")
    store_traces(agent_trace())
    preview = client.get(f"{PAGE}/delete").text
    assert "1 traces" in preview
    assert "1 api keys" in preview
    post_form(client, f"{PAGE}/delete", 422, name="shop")
    post_form(client, f"{PAGE}/delete", name="Shop")
    assert client.get("/project/shop/traces").status_code == 404
    assert send(client, secret) == 401
    assert "/project/shop" not in client.get("/project/default/settings/projects").text
    with psycopg.connect(database_url, autocommit=True) as connection:
        purge_projects(connection, threading.Event())
        for table in metadata.tables.values():
            if "project_id" in table.c:
                query = f"SELECT count(*) FROM {table.name} WHERE project_id = 'shop'".encode()
                assert connection.execute(query).fetchone() == (0,), table.name
        assert connection.execute("SELECT count(*) FROM traces").fetchone() == (1,)


@pytest.mark.usefixtures("secret")
def test_a_purge_that_is_stopped_goes_on_later(client: FlaskClient, database_url: str) -> None:
    post_form(client, f"{PAGE}/delete", name="Shop")
    stopped = threading.Event()
    stopped.set()
    with psycopg.connect(database_url, autocommit=True) as connection:
        purge_projects(connection, stopped)
        exists = "SELECT count(*) FROM projects WHERE project_id = 'shop'"
        assert connection.execute(exists).fetchone() == (1,)
        purge_projects(connection, threading.Event())
        assert connection.execute(exists).fetchone() == (0,)


def test_the_default_project_stays(client: FlaskClient) -> None:
    post_form(client, "/project/default/settings/delete", 422, name="default")


@pytest.mark.usefixtures("secret")
def test_origins_are_checked(app: Flask, client: FlaskClient) -> None:
    post_form(client, f"{PAGE}/origins", origins="https://app.example.com http://localhost:3000")
    with app.app_context():
        assert get_origins("shop") == ["https://app.example.com", "http://localhost:3000"]
    for wrong in ("*", "https://app.example.com/", "app.example.com", "https://*.example.com"):
        post_form(client, f"{PAGE}/origins", 422, origins=wrong)
