"""Fixtures for all tests: one embedded PostgreSQL, an empty database each, the app, a server."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from tests.support.application import application, reused_application
from tests.support.installed_postgres import running
from tests.support.serving import Serve, serving
from tracer.config import Config
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.writing.writer import Writer
from tracer.web.services import services

# Hypothesis measures by the clock: on a busy machine any example takes too long now and then.
settings.register_profile("tracer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tracer")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through the modules of all tests again and again.

    It took half of the processor time of making an application.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


@pytest.fixture(scope="session")
def data_dirs() -> Iterator[Path]:
    """A directory for data directories; its path is short, as socket paths must be."""
    with tempfile.TemporaryDirectory(prefix="tracer-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def data_dir(data_dirs: Path) -> Iterator[Path]:
    """A data directory of the test's own, which does not exist yet."""
    path = data_dirs / uuid.uuid4().hex[:12]
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(data_dirs: Path) -> Iterator[Embedded]:
    """The tests' embedded PostgreSQL, which need not survive a crash of the machine."""
    embedded = Embedded(data_dirs / "tests")
    embedded.start()
    try:
        with psycopg.connect(embedded.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield embedded
    finally:
        embedded.stop()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the tests' server: embedded, or the installed version TRACER_TEST_POSTGRES."""
    version = os.environ.get("TRACER_TEST_POSTGRES")
    if version is None:
        yield request.getfixturevalue("postgres").url
    else:
        with running(int(version)) as url:
            yield url


@pytest.fixture(scope="session")
def migrated_url(postgres_url: str) -> str:
    """The tests' database, of the newest revision; `database_url` is what tests ask for."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE tests")
    url = postgres_url.replace("/postgres?", "/tests?")
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def reset_database(migrated_url: str) -> Iterator[Callable[[], None]]:
    """Make the tests' database what `tracer db upgrade` leaves.

    One connection does it for all tests: a new one has to plan each of the statements again.
    """
    name = "reset_database"
    with psycopg.connect(migrated_url, autocommit=True, application_name=name) as connection:
        connection.execute("SET session_replication_role = replica")
        # Most tables hold next to nothing: TRUNCATE makes new files for every one of them.
        tables = connection.execute(
            "SELECT string_agg(format('DELETE FROM %I', tablename), '; ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchone()
        assert tables is not None

        def reset() -> None:
            connection.execute(tables[0].encode())
            connection.execute("INSERT INTO projects VALUES (%s, %s)", [DEFAULT_PROJECT] * 2)

        yield reset


@pytest.fixture
def database_url(migrated_url: str, reset_database: Callable[[], None]) -> str:
    """A database as `tracer db upgrade` leaves it: the default project and nothing else."""
    reset_database()
    return migrated_url


@pytest.fixture
def bare_url(postgres_url: str) -> Iterator[str]:
    """A database of its own for one test, with nothing in it at all."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
        try:
            yield postgres_url.replace("/postgres?", "/bare?")
        finally:
            connection.execute("DROP DATABASE bare WITH (FORCE)")


@pytest.fixture
def config(database_url: str) -> Config:
    """The default settings on the tests' database."""
    return Config(database_url=database_url)


@pytest.fixture
def make_app() -> Iterator[Callable[[Config], Flask]]:
    """Make applications that end with the test, with their threads and connections."""
    with ExitStack() as applications:
        yield lambda config: applications.enter_context(application(config))


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application with the default settings."""
    with reused_application(config) as app:
        yield app


@pytest.fixture
def own_app(make_app: Callable[[Config], Flask], config: Config) -> Flask:
    """An application that the test may change, such as by another route."""
    return make_app(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application, in this process."""
    return app.test_client()


@pytest.fixture
def writer(app: Flask) -> Writer:
    """The application's writer."""
    return services(app).writer


@pytest.fixture
def project(app: Flask) -> Iterator[str]:
    """The default project's id, inside the application's context: store functions work."""
    with app.app_context():
        yield DEFAULT_PROJECT


@pytest.fixture(scope="session")
def served(data_dirs: Path) -> Iterator[Serve]:
    """A real `tracer serve` with everything that belongs to it, shared by all tests."""
    with serving(data_dir=data_dirs / "server") as serve:
        yield serve


@pytest.fixture
def server(served: Serve) -> str:
    """The URL of that server."""
    return served.url
