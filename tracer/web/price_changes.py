"""The transaction that prices are changed in, by whichever API or page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracer.store.database.session import transaction
from tracer.web.services import services


@contextmanager
def changing_prices(project_id: str) -> Iterator[None]:
    """Commit the block's changes of a project's prices, or none of them.

    The writer of this process uses them at once, those of others within seconds (CACHE_SECONDS).
    """
    with transaction():
        yield
    services().writer.prices.forget(project_id)
