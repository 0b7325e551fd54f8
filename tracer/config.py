"""One Config, read once from TRACER_* and DATABASE_URL; docs/settings.md lists every setting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from tracer.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Config:
    """What an operator may set. Each field is the environment variable ``TRACER_<NAME>``."""

    database_url: str = ""
    """PostgreSQL to use (``DATABASE_URL`` is read as well); empty: the embedded one."""
    data_dir: Path = Path("~/.tracer")
    """Where the embedded PostgreSQL keeps its data."""
    host: str = "127.0.0.1"
    """Address to listen on; only loopback until there is login."""
    port: int = 4318
    """Port to listen on; 4318 is the OTLP/HTTP default."""
    workers: int = 2
    """Web worker processes."""
    threads: int = 16
    """Threads per web worker: requests under way at once."""
    allowed_hosts: str = ""
    """Further Host header names to accept, comma separated; loopback names always are."""
    reader_header: str = ""
    """Header in which a trusted proxy names who reads; empty: readers type their names."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Largest request body, counted after decompression as well."""
    max_value_bytes: int = 1024 * 1024
    """Largest single attribute, input or output; longer ones are cut with a marker."""
    max_queue_spans: int = 50_000
    """Spans waiting to be written per worker; beyond it requests get 429."""
    init_project_id: str = ""
    """A project that is made at the start where there is none of this id."""
    init_project_name: str = ""
    """What it is called; empty: as its id."""
    init_project_public_key: str = ""
    """A key that opens it, made at the start; needs the secret as well."""
    init_project_secret_key: str = ""
    """The secret of that key, of which only a hash is stored."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Return the configuration of ``environ``.

        Raises ConfigError naming the variable whose value can't be used.
        """
        values: dict[str, object] = {}
        for field in fields(cls):
            name = variable(field.name, environ)
            if text := environ.get(name):
                values[field.name] = _parse(name, text, field.default)
        return cls(**values)  # type: ignore[arg-type]


def variable(setting: str, environ: Mapping[str, str]) -> str:
    """Return the name of the variable that a setting is read from: ours, unless that is unset."""
    own = f"TRACER_{setting.upper()}"
    if setting == "database_url":
        other = "DATABASE_URL"
    elif setting.startswith("init_"):
        # Deployments that come from Langfuse bring these.
        other = f"LANGFUSE_{setting.upper()}"
    else:
        return own
    return other if environ.get(other) and not environ.get(own) else own


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
