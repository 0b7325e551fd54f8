"""Moments on a time axis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 14, 2, 11, 204_000, tzinfo=UTC)

SECOND = 1_000_000


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
