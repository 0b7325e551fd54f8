"""The settings of the server as text, without secrets, for pages and `tracer config`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from tracer.config import Config
from tracer.store.database.server import shown_url

_SECRETS: Final = frozenset({"init_project_secret_key", "init_owner_password"})


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting by the name of its field in `Config`; ``text`` holds no password."""

    name: str
    text: str
    is_default: bool


def shown_settings(config: Config) -> Iterator[ShownSetting]:
    """Yield every setting in the order of `Config`."""
    for field in fields(config):
        value = getattr(config, field.name)
        yield ShownSetting(field.name, _text(field.name, value), value == field.default)


def _text(name: str, value: object) -> str:
    if name in _SECRETS and value:
        return "***"
    if name == "database_url" and not value:
        return "none: the embedded PostgreSQL"
    # Any setting may hold a URL with a password.
    return shown_url(str(value)) or "none"
