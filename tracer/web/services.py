"""The services of an application by type: settings, writer, secret."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from flask import Flask, current_app

from tracer.config import Config
from tracer.store.database.replica import Replica
from tracer.store.database.session import transaction
from tracer.store.measure.context.thresholds import Thresholds
from tracer.store.projects.cookie_secret import cookie_secret
from tracer.store.writing.writer import Writer

_KEY: Final = "tracer"
_MEMBERS_SECONDS: Final = 1.0
_USE_SECONDS: Final = 60.0
_MAX_USES: Final = 10_000


@dataclass(slots=True)
class Services:
    """The objects that the views of one application share."""

    config: Config
    writer: Writer
    replica: Replica | None = None
    """The replica that pages are read from."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    _secret: str = field(default="", repr=False)
    _members: tuple[bool, float] = (False, -_MEMBERS_SECONDS)
    _uses: dict[str, float] = field(default_factory=dict, repr=False)

    @property
    def secret(self) -> str:
        """The secret for signing cookies and URLs; read from the database at its first use."""
        if not self._secret:
            with transaction():
                self._secret = cookie_secret()
        return self._secret

    def members_exist(self, read: Callable[[], bool]) -> bool:
        """Return whether there are members; `read` is called once a second until there are."""
        exist, checked = self._members
        now = time.monotonic()
        if not exist and now - checked >= _MEMBERS_SECONDS:
            exist = read()
            self._members = exist, now
        return exist

    def should_store_use(self, key_id: str) -> bool:
        """Return whether the use of a key should be stored: once a minute and process."""
        now = time.monotonic()
        if now - self._uses.get(key_id, -_USE_SECONDS) < _USE_SECONDS:
            return False
        if len(self._uses) > _MAX_USES:
            self._uses.clear()
        self._uses[key_id] = now
        return True


def add_services(
    app: Flask, config: Config, writer: Writer, replica: Replica | None = None
) -> None:
    """Attach the services to an application, once."""
    app.extensions[_KEY] = Services(config, writer, replica)


def services(app: Flask | None = None) -> Services:
    """Return the services of an application; None: of the application of the current request."""
    registered: Services = (app or current_app).extensions[_KEY]
    return registered
