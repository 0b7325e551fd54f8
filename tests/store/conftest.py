"""A connection to a fresh database, as the writer uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A psycopg connection to the test's own database."""
    with psycopg.connect(database_url) as opened:
        yield opened
