"""The settings of the server, read from TRACER_* and DATABASE_URL; see docs/settings.md."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Final

from tracer.errors import ConfigError

LANGFUSE_PROJECT_NAME: Final = "LANGFUSE_INIT_PROJECT_NAME"
"""The project's name in deployments that migrate from Langfuse."""


_UNIX: Final = "unix:"
_SOCKET_FILE: Final = re.compile(r"unix:(/[^?]*[^/?])(?:\?mode=0?([0-7]{3}))?")
_MAX_PATH_BYTES: Final = 100
"""Longest path of a Unix socket: some systems allow only 103 bytes."""


@dataclass(frozen=True)
class SocketFile:
    """A Unix socket, and who may connect: ``mode`` as of a file."""

    path: Path
    mode: int

    @classmethod
    def read(cls, text: str) -> SocketFile:
        """Read ``unix:/path`` or ``unix:/path?mode=660``; without a mode only the owner may."""
        match = _SOCKET_FILE.fullmatch(text)
        if match is None or len(os.fsencode(match[1])) > _MAX_PATH_BYTES:
            raise ConfigError(
                f"TRACER_HOST={text!r}: expected unix:/path or unix:/path?mode=660, the path"
                f" absolute and of at most {_MAX_PATH_BYTES} bytes"
            )
        return cls(Path(match[1]), int(match[2] or "600", 8))


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings. Each field is read from the environment variable ``TRACER_<NAME>``."""

    database_url: str = ""
    """URL of the PostgreSQL server (also read from ``DATABASE_URL``); empty: the embedded one."""
    read_database_url: str = ""
    """URL of a replica of that database, which pages are read from; empty: there is none."""
    data_dir: Path = Path("~/.tracer")
    """Data directory of the embedded PostgreSQL."""
    host: str = "127.0.0.1"
    """Address to listen on, any but loopback requires logins and keys; or ``unix:/path?mode=660``.
    """
    port: int = 4318
    """Port to listen on; 4318 is the OTLP/HTTP default."""
    workers: int = 2
    """Web worker processes."""
    threads: int = 16
    """Threads per web worker, that is concurrent requests."""
    allowed_hosts: str = ""
    """Accepted names in the Host header, comma separated, besides the loopback names."""
    trusted_proxies: str = ""
    """Addresses and networks of proxies whose X-Forwarded-* headers apply, comma separated."""
    url_prefix: str = ""
    """Path under which a proxy serves Tracer, such as ``/tracer``."""
    login: str = ""
    """``always``, or the URL of an OIDC provider: require logins and keys on loopback, too."""
    reader_header: str = ""
    """Header in which a trusted proxy sends the visitor's name; empty: visitors enter a name."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Largest request body, before and after decompression."""
    max_value_bytes: int = 1024 * 1024
    """Largest single attribute, input or output; a longer value is truncated with a marker."""
    max_queue_spans: int = 50_000
    """Spans that may wait to be written, per worker; further requests get status 429."""
    init_project_id: str = ""
    """Project that is created at the start if it does not exist: ``id`` or ``id=name``."""
    init_project_public_key: str = ""
    """Public key of an API key of that project, created at the start; requires the secret."""
    init_project_secret_key: str = ""
    """Secret of that API key; only its hash is stored."""
    init_owner_email: str = ""
    """Address of the first owner, created at the start if there are no members."""
    init_owner_password: str = ""
    """Password of the first owner; only its hash is stored."""

    @property
    def url(self) -> str:
        """The URL of the server that listens with these settings, without a slash at the end.

        For a server on a Unix socket: the URL of a local port that is forwarded to the socket.
        """
        # A wildcard is no address to open.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        host = "localhost" if self.socket_file else host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}{self.url_prefix.rstrip('/')}"

    @property
    def socket_file(self) -> SocketFile | None:
        """The Unix socket to listen on; None: a port. Raises ConfigError."""
        return SocketFile.read(self.host) if self.host.startswith(_UNIX) else None

    @property
    def address(self) -> str:
        """The address that the server listens on: its URL, or ``unix:/path`` with the mode."""
        return self.host if self.socket_file else self.url

    @property
    def allowed_names(self) -> list[str]:
        """The names of `allowed_hosts`, in lower case."""
        return [name for part in self.allowed_hosts.split(",") if (name := part.strip().lower())]

    @property
    def init_project(self) -> tuple[str, str]:
        """Id and name of the project that is created at the start; the name defaults to the id."""
        project_id, _, name = self.init_project_id.partition("=")
        return project_id, name or project_id

    @property
    def needs_login(self) -> bool:
        """Whether logins and keys are required even without members."""
        return bool(self.login) or not is_loopback(self.host)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Return the settings in ``environ``.

        Raises ConfigError, naming the variable, for an invalid value.
        """
        values: dict[str, object] = {}
        for field in fields(cls):
            name = variable(field.name, environ)
            if text := environ.get(name):
                values[field.name] = _parse(name, text, field.default)
        project_name = environ.get(LANGFUSE_PROJECT_NAME)
        if project_name and "init_project_id" in values:
            values["init_project_id"] = f"{values['init_project_id']}={project_name}"
        login = str(values.get("login", "always"))
        if login != "always" and not login.startswith(("https://", "http://")):
            raise ConfigError("TRACER_LOGIN: expected always, or the URL of an OIDC provider")
        config = cls(**values)  # type: ignore[arg-type]
        _ = config.socket_file
        return config


@lru_cache(maxsize=1_000)
def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine can use an address; "" is a Unix socket."""
    if host in ("localhost", "") or host.startswith(_UNIX):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    # A socket for both families names an IPv4 client as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def variable(setting: str, environ: Mapping[str, str]) -> str:
    """Return the environment variable of a setting: TRACER_*, or if unset its alternative."""
    names = variables(setting)
    return next(filter(environ.get, names), names[0])


def variables(setting: str) -> list[str]:
    """Return the environment variables that may hold a setting: TRACER_*, then its alternative."""
    names = [f"TRACER_{setting.upper()}"]
    if setting == "database_url":
        names.append("DATABASE_URL")
    elif setting.startswith("init_"):
        # Deployments that migrate from Langfuse have these set.
        names.append(f"LANGFUSE_{setting.upper()}".replace("INIT_OWNER", "INIT_USER"))
    return names


def _parse(name: str, text: str, default: object) -> object:
    if isinstance(default, int):
        try:
            number = int(text)
        except ValueError:
            raise ConfigError(f"{name}={text!r}: expected a whole number") from None
        if number <= 0 or (name == "TRACER_PORT" and number > 65535):
            raise ConfigError(f"{name}={text!r}: out of range")
        return number
    return Path(text) if isinstance(default, Path) else text
