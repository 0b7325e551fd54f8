"""The Flask extensions, made here once so that nobody has to import the app."""

from __future__ import annotations

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from tracer.assets import asset_dir

db = SQLAlchemy()


def migrate(app: Flask) -> None:
    """Give ``app`` the commands ``flask db …``, with which migrations are made.

    What only serves goes without: alembic and its templates take 9 MB of each worker.
    """
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(asset_dir("migrations")))
