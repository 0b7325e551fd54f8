"""Pages are read from a replica: all of them, but not after a change, and with the lag shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from urllib.parse import quote

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.installed_postgres import installed, running, standby
from tests.support.pages.every_page import addresses, fill
from tests.support.pages.requests import SAME_ORIGIN
from tests.support.waiting import wait_until
from tracer.config import Config
from tracer.server.migrations import upgrade
from tracer.web.services import services

OLDEST = 15
READ_ONLY = f"&options={quote('-c default_transaction_read_only=on')}"
TRACES = "/project/default/traces"
SPAN = {"id": "root", "name": "through the primary", "start_time": "2026-01-01T00:00:00Z"}


def create(client: FlaskClient, trace_id: str) -> None:
    answer = client.post(f"/api/v1/traces/{trace_id}/spans", json=SPAN)
    assert answer.status_code < 300, answer.text


def test_no_page_needs_more_than_reading_a_replica(
    make_app: Callable[[Config], Flask], config: Config, store_traces: Callable[..., None]
) -> None:
    """The replica is the same database, in which nothing may be changed."""
    url = f"{config.database_url}{READ_ONLY}"
    app = make_app(dataclasses.replace(config, read_database_url=url))
    paths = addresses(app, fill(app, store_traces))
    client = app.test_client()
    for path in paths:
        answer = client.get(path)
        assert answer.status_code < 400, (path, answer.text)
    replica = services(app).replica
    assert replica is not None
    assert replica.engine.pool.checkedin() > 0  # type: ignore[attr-defined]
    replica.engine.dispose()


def test_without_an_answer_of_the_replica_pages_are_read_from_the_database(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    client = make_app(dataclasses.replace(config, read_database_url=nowhere)).test_client()
    create(client, "t1")
    assert "t1" in client.get(TRACES).text


@pytest.mark.slow
@pytest.mark.skipif(not installed(OLDEST), reason=f"no PostgreSQL {OLDEST}")
def test_a_replica_that_lags_is_named_on_the_page_until_it_is_too_far_behind(
    make_app: Callable[[Config], Flask],
) -> None:
    with running(OLDEST) as primary, standby(OLDEST, primary) as replica:
        upgrade(primary)
        app = make_app(Config(database_url=primary, read_database_url=replica))
        client, writer = app.test_client(), app.test_client()
        create(writer, "early")
        wait_until(lambda: "early" in client.get(TRACES).text, "the trace on the replica")
        assert "s behind" not in client.get(TRACES).text
        with psycopg.connect(replica, autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            create(writer, "late")
            wait_until(lambda: "2 s behind" in client.get(TRACES).text, "the lag on the page")
            assert f"{TRACES}/late" not in client.get(TRACES).text
            # A browser that has changed something reads what it did.
            changed = client.post(
                f"{TRACES}/late/bookmark", data={"reader": "Ada"}, headers=SAME_ORIGIN
            )
            assert changed.status_code < 400
            assert f"{TRACES}/late" in client.get(TRACES).text
            assert "s behind" not in client.get(TRACES).text
            connection.execute("SELECT pg_wal_replay_resume()")
        other = app.test_client()
        wait_until(lambda: f"{TRACES}/late" in other.get(TRACES).text, "the later trace")
        made = services(app).replica
        assert made is not None
        made.engine.dispose()
