"""Schema migrations: upgrades a database to the newest revision, and configures Alembic."""

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
    """Upgrade the database to the newest revision; return the revisions before and after.

    Raises DatabaseError.
    """
    newest = server.known_revisions()[-1]
    with server.connect(url) as connection:
        before = server.revision(connection)
    if before != newest:
        # Imported here: without migrations to run, the start is half a second faster.
        from alembic import command

        with configured(url) as config:
            command.upgrade(config, "head")
    return before, newest


def downgrade(url: str, revision: str) -> None:
    """Downgrade to a revision (``-1``: the previous one; ``base``: drop everything).

    Raises ConfigError.
    """
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with configured(url) as config:
            command.downgrade(config, revision)
    except (CommandError, SQLAlchemyError) as error:
        raise ConfigError(f"cannot downgrade to {revision}: {error}") from error


@contextmanager
def configured(url: str, *, metadata: bool = False) -> Iterator[Config]:
    """Give Alembic's configuration for the database at ``url``.

    ``metadata``: include the table definitions, for a comparison with the database.
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
