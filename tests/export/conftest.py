"""Exports of what the real writer stored, read back by the real reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask


@pytest.fixture
def connection(app: Flask, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the test's own, inside the application's context."""
    with app.app_context(), psycopg.connect(database_url) as opened:
        yield opened
