"""What the views of an application share: its settings, writer, replica, secret and caches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from flask import Flask, current_app

from tracer.config import Config
from tracer.store.database.replica import Replica
from tracer.store.database.session import transaction
from tracer.store.measure.context.thresholds import Thresholds
from tracer.store.projects.cookie_secret import cookie_secret
from tracer.store.writing.writer import Writer
from tracer.web.remembered import KeyUses, MembersExist

_KEY: Final = "tracer"


@dataclass(slots=True)
class Services:
    """The objects that the views of one application share."""

    config: Config
    writer: Writer
    replica: Replica | None = None
    """The replica that pages are read from."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    members: MembersExist = field(default_factory=MembersExist)
    key_uses: KeyUses = field(default_factory=KeyUses)
    _secret: str = field(default="", repr=False)

    @property
    def secret(self) -> str:
        """The secret for signing cookies and URLs; read from the database at its first use."""
        if not self._secret:
            with transaction():
                self._secret = cookie_secret()
        return self._secret


def add_services(
    app: Flask, config: Config, writer: Writer, replica: Replica | None = None
) -> None:
    """Attach the services to an application, once."""
    app.extensions[_KEY] = Services(config, writer, replica)


def services(app: Flask | None = None) -> Services:
    """Return the services of an application; None: of the application of the current request."""
    registered: Services = (app or current_app).extensions[_KEY]
    return registered
