"""``tracer config check``: names each mistake in the settings, with its line in a file."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Final, NamedTuple

import click

from tracer.config import LANGFUSE_PROJECT_NAME, Config, variable, variables
from tracer.errors import ConfigError
from tracer.server.bootstrap import check_init
from tracer.web.incoming.forwarded import Proxies, checked_prefix
from tracer.web.oidc.provider import provider_of

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL: Final = re.compile(r"postgres(ql)?://\S+")
_HOSTS: Final = re.compile(r"[A-Za-z0-9.:_-]+(\s*,\s*[A-Za-z0-9.:_-]+)*")
# Read by the SDK and by commands that use a running server.
_CLIENT_VARIABLES: Final = (
    *("TRACER_ENDPOINT", "TRACER_KEY", "TRACER_PROJECT", "TRACER_ENVIRONMENT", "TRACER_RELEASE"),
    *("TRACER_CAPTURE_CONTENT", "TRACER_ENABLED", "TRACER_SAMPLE", "TRACER_SPOOL"),
)


class Mistake(NamedTuple):
    """A mistake, and its line in the file; 0: in the environment."""

    line: int
    reason: str


class _Line(NamedTuple):
    number: int
    name: str
    value: str


@click.group()
def config() -> None:
    """Check the settings."""


@config.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
def check(file: str | None) -> None:
    """Print each mistake in the settings of FILE, or without it, of the environment.

    FILE has lines of the form NAME=VALUE, as systemd's EnvironmentFile and Docker's env_file.
    Nothing is started or connected to.
    """
    if file is None:
        all_mistakes = list(mistakes(_Line(0, *item) for item in os.environ.items()))
    else:
        try:
            text = Path(file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} can't be read: {error}") from error
        lines, without_setting = read_lines(text)
        all_mistakes = sorted([*without_setting, *mistakes(lines)])
    for mistake in all_mistakes:
        click.echo(f"{f'{file}:{mistake.line}' if file else 'environment'}: {mistake.reason}")
    if all_mistakes:
        raise click.exceptions.Exit(1)
    click.echo(f"{file or 'environment'}: no mistakes")


def read_lines(text: str) -> tuple[list[_Line], list[Mistake]]:
    """Return the settings of a file, and the mistakes in other lines."""
    lines: dict[str, _Line] = {}
    mistakes_found: list[Mistake] = []
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        name, equals, value = stripped.partition("=")
        if name.startswith("export "):
            mistakes_found.append(Mistake(number, "expected NAME=VALUE without `export`"))
        elif not equals or not _NAME.fullmatch(name):
            mistakes_found.append(Mistake(number, "expected NAME=VALUE, without space around ="))
        elif name in lines:
            first = lines[name].number
            mistakes_found.append(Mistake(number, f"{name}: line {first} sets it as well"))
        else:
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            lines[name] = _Line(number, name, value[1:-1] if quoted else value)
    return [*lines.values()], mistakes_found


def mistakes(lines: Iterable[_Line]) -> Iterator[Mistake]:
    """Yield the mistakes in single settings, then those in several together."""
    valid: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for line in lines:
        reason = _mistake_in(line)
        if reason is None:
            valid[line.name], numbers[line.name] = line.value, line.number
        else:
            yield Mistake(line.number, reason)
    try:
        check_init(Config.from_env(valid))
    except ConfigError as error:
        variables_named = _variables_in(str(error), valid)
        last = max((numbers[name] for name in variables_named if name in numbers), default=0)
        yield Mistake(last, str(error))


def _mistake_in(line: _Line) -> str | None:
    """Return why a single setting can't be used; None: it can, or is no setting of Tracer."""
    name = line.name
    setting = _settings().get(name)
    if setting is None:
        if not name.startswith("TRACER_") or name in _CLIENT_VARIABLES:
            return None
        near = difflib.get_close_matches(name, _settings(), n=1)
        return f"{name}: there is no such setting{f'; meant {near[0]}?' if near else ''}"
    if not line.value:
        return None
    try:
        checked = Config.from_env({name: line.value})
        if setting in _CHECKS:
            _CHECKS[setting](getattr(checked, setting))
    except ConfigError as error:
        text = str(error)
        return text if text.startswith(name) else f"{name}: {text}"
    return None


def _variables_in(message: str, valid: Mapping[str, str]) -> set[str]:
    """Return the variables of the settings that a message names."""
    settings = (field.name for field in fields(Config))
    return {variable(name, valid) for name in settings if f"TRACER_{name.upper()}" in message}


def _settings() -> dict[str, str]:
    """Return the setting of each variable."""
    names: dict[str, str] = {LANGFUSE_PROJECT_NAME: "init_project_id"}
    for field in fields(Config):
        names |= dict.fromkeys(variables(field.name), field.name)
    return names


def _database_url(text: str) -> None:
    if not _URL.fullmatch(text):
        raise ConfigError("expected postgresql://user:password@host:port/name")


def _hosts(text: str) -> None:
    if not _HOSTS.fullmatch(text):
        raise ConfigError("expected names such as tracer.example.com, separated by commas")


def _directory(path: Path) -> None:
    with suppress(RuntimeError, OSError):
        path = path.expanduser()
        if path.exists() and not path.is_dir():
            raise ConfigError(f"{path} is no directory")


_CHECKS: Final[dict[str, Callable[..., object]]] = {
    "database_url": _database_url,
    "read_database_url": _database_url,
    "data_dir": _directory,
    "allowed_hosts": _hosts,
    "trusted_proxies": Proxies,
    "url_prefix": checked_prefix,
    "login": provider_of,
}
