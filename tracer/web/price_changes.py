"""The transaction for changes of a project's prices, shared by APIs and pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracer.store.database.session import transaction
from tracer.web.services import services


@contextmanager
def changing_prices(project_id: str) -> Iterator[None]:
    """Commit the block's changes of a project's prices, or roll all of them back.

    This process's writer uses new prices at once, other processes within CACHE_SECONDS.
    """
    with transaction():
        yield
    services().writer.prices.forget(project_id)
