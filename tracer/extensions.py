"""The Flask extensions, created here so that modules need not import the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flask import Flask, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session

TRANSACTION: Final = "tracer.transaction"
"""Key in the session's info, set while a transaction is open that may change rows."""


class _Session(Session):
    """A session that reads from a replica where the request has chosen one."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """Return the replica's engine outside of transactions that may change rows."""
        replica = g.get("replica") if has_app_context() else None
        if replica is not None and not self.info.get(TRANSACTION):
            return replica
        return super().get_bind(*args, **kwargs)


db = SQLAlchemy(session_options={"class_": _Session})


def migrate(app: Flask, directory: Path) -> None:
    """Add the commands ``flask db …`` to ``app``, which create migrations in ``directory``.

    Not called by servers: alembic and its templates take 9 MB of each worker.
    """
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(directory))
