"""Transactions of the session: all of one or nothing, none within another, none left open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask

from tracer.config import Config
from tracer.errors import Conflict, StoreUnavailable, TooSlow
from tracer.extensions import db
from tracer.store.database.session import own_connection, ping, release, transaction, within
from tracer.store.projects.projects import create_project, list_projects


def names(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the projects that others see."""
    rows = connection.execute("SELECT project_id FROM projects ORDER BY 1").fetchall()
    connection.rollback()
    return [name for (name,) in rows]


@pytest.mark.usefixtures("project")
def test_a_transaction_is_seen_whole_or_not_at_all(connection: psycopg.Connection[Any]) -> None:
    with transaction():
        create_project("a", "A")
        create_project("b", "B")
        assert names(connection) == ["default"]
    assert names(connection) == ["a", "b", "default"]
    with pytest.raises(KeyboardInterrupt), transaction():
        create_project("c", "C")
        raise KeyboardInterrupt
    assert names(connection) == ["a", "b", "default"]


@pytest.mark.usefixtures("project")
def test_a_conflict_undoes_what_was_written_before_it(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(Conflict, match="'default' exists already"), transaction():
        create_project("a", "A")
        create_project("default", "again")
    assert names(connection) == ["default"]


@pytest.mark.usefixtures("project")
def test_a_transaction_within_another_is_refused_and_undoes_both(
    connection: psycopg.Connection[Any],
) -> None:
    with pytest.raises(RuntimeError, match="open already"), transaction():
        create_project("a", "A")
        with transaction():
            create_project("b", "B")
    with pytest.raises(RuntimeError, match="open already"), transaction():
        create_project("a", "A")
        release()
    with pytest.raises(RuntimeError, match="open already"), transaction():
        create_project("a", "A")
        with own_connection():
            raise AssertionError("there is none")
    assert names(connection) == ["default"]
    with transaction():
        create_project("c", "C")
    assert names(connection) == ["c", "default"]


@pytest.mark.usefixtures("project")
def test_the_connection_goes_back_to_the_pool_with_the_transaction() -> None:
    list_projects()
    assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    with transaction():
        create_project("a", "A")
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    list_projects()
    release()
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.usefixtures("project")
def test_a_statement_that_times_out_leaves_a_usable_session() -> None:
    with pytest.raises(TooSlow, match="longer than 1 s"), within(1):
        db.session.execute(db.text("SELECT pg_sleep(5)"))
    assert [project.project_id for project in list_projects()] == ["default"]


def test_an_unreachable_database_raises_store_unavailable(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    with make_app(config).app_context():
        ping()
    gone = config.database_url.replace("/tests?", "/no_such_database?")
    with make_app(Config(database_url=gone)).app_context(), pytest.raises(StoreUnavailable):
        ping()
