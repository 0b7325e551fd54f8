"""Schema migrations: which revision a database has, and the way to the one this code wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tracer.assets import asset_dir
from tracer.errors import ConfigError
from tracer.store.database import server

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the database to the newest revision; return the revisions before and after.

    Raises DatabaseError.
    """
    newest = server.known_revisions()[-1]
    with server.connect(url) as connection:
        before = server.revision(connection)
    if before != newest:
        # Imported here: a start that has nothing to migrate is half a second quicker.
        from alembic import command

        with configured(url) as config:
            command.upgrade(config, "head")
    return before, newest


def downgrade(url: str, revision: str) -> None:
    """Go back to a revision (``-1``: by one; ``base``: drop everything). Raises ConfigError."""
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with configured(url) as config:
            command.downgrade(config, revision)
    except (CommandError, SQLAlchemyError) as error:
        raise ConfigError(f"cannot go back to {revision}: {error}") from error


@contextmanager
def configured(url: str, *, metadata: bool = False) -> Iterator[Config]:
    """Give alembic's configuration for the database at ``url``.

    ``metadata``: with the tables of the code, to compare those of the database with.
    """
    import sqlalchemy as sa
    from alembic.config import Config

    config = Config(asset_dir("migrations") / "alembic.ini")
    engine = sa.create_engine(server.sqlalchemy_url(url), poolclass=sa.NullPool)
    config.attributes["engine"] = engine
    if metadata:
        from tracer.store.schema import metadata as tables

        config.attributes["metadata"] = tables
    try:
        yield config
    finally:
        engine.dispose()
