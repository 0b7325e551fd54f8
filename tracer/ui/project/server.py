"""The server: its version, its database, its disk usage, and its settings."""

from __future__ import annotations

import shutil

from tracer import __version__
from tracer.store.database import server
from tracer.store.database.session import driver
from tracer.store.projects.sizes import storage
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.web.services import services
from tracer.web.shown_settings import shown_settings


@bp.get("/project/<project_id>/settings/server")
def server_settings(project_id: str) -> str:  # noqa: ARG001 - part of the address
    """Show what is configured, and the sizes."""
    config = services().config
    connection = driver()
    holds_data = (config.data_dir / "pg").is_dir()
    return render(
        "project/server.html",
        version=__version__,
        config=config,
        postgres=server.server_version(connection),
        revision=server.revision(connection),
        database=server.shown_url(config.database_url),
        database_bytes=server.database_bytes(connection),
        storage=storage(),
        disk=shutil.disk_usage(config.data_dir) if holds_data else None,
        settings=list(shown_settings(config)),
    )
