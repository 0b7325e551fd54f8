"""The visitor's time zone, in a cookie: the browser's, or a chosen one."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from flask import g, has_request_context, request

from tracer.query.moments import Clock

COOKIE: Final = "tracer_zone"
AUTOMATIC: Final = "auto:"
"""Prefix of a zone that the browser sent: the script replaces such a zone, never a chosen one."""


def visitor_zone() -> tzinfo:
    """Return the zone in which this request's times are shown and read; UTC without a cookie."""
    if not has_request_context():
        return UTC
    if "visitor_zone" not in g:
        g.visitor_zone = zone_of(zone_name())
    zone: tzinfo = g.visitor_zone
    return zone


def visitor_clock() -> Clock:
    """Return now in the visitor's zone, to which the times of a query are relative."""
    return Clock(datetime.now(UTC), visitor_zone())


def zone_name() -> str:
    """Return the IANA name in the visitor's cookie; "" without one."""
    return request.cookies.get(COOKIE, "").removeprefix(AUTOMATIC)


def is_chosen() -> bool:
    """Return whether the visitor chose the zone, so that the browser's does not matter."""
    cookie = request.cookies.get(COOKIE, "")
    return bool(cookie) and not cookie.startswith(AUTOMATIC)


@lru_cache
def zone_names() -> tuple[str, ...]:
    """Return the names of all zones that this server knows, UTC first."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name))


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name like ``Europe/Berlin``; UTC where there is none."""
    # Only known names: any other name would be searched for in the file system.
    return ZoneInfo(name) if name in zone_names() and name != "UTC" else UTC
