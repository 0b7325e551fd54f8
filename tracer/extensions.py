"""The Flask extensions, made here once so that nobody has to import the app."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


def migrate(app: Flask, directory: Path) -> None:
    """Give ``app`` the commands ``flask db …``, which make migrations in ``directory``.

    What only serves goes without: alembic and its templates take 9 MB of each worker.
    """
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(directory))
