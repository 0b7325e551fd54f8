"""Flask's own command line has the migrations; a serving application doesn't import them."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT
from tests.support.serving import environ
from tracer.store.database.server import known_revisions


def run(database_url: str, *command: str) -> str:
    """Run ``command`` with Python in the checkout; return what it printed."""
    done = subprocess.run(
        [sys.executable, *command],
        env=environ(DATABASE_URL=database_url),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_flask_db_knows_the_migrations_and_the_database(migrated_url: str) -> None:
    printed = run(migrated_url, "-m", "flask", "--app", "wsgi", "db", "current")
    assert printed.split() == [known_revisions()[-1], "(head)"]


def test_a_serving_application_does_not_import_the_migrations(migrated_url: str) -> None:
    code = "import sys; from tracer.app import create_app; create_app(); print(*sys.modules)"
    modules = set(run(migrated_url, "-c", code).split())
    assert {"flask", "sqlalchemy"} <= modules
    assert not {"alembic", "flask_migrate", "mako"} & modules
