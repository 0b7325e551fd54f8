"""``tracer serve``: database, migrations, web workers and the background worker, in that order."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType

import click

from tracer import __version__
from tracer.cli.options import database_options, with_config
from tracer.cli.ports import listener_on
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.server.lock import Owned, owned
from tracer.server.postgres import VERSION, Embedded, EmbeddedError, unusable

# The workers of a killed parent hold its port for up to a second after it.
_LINGER_SECONDS = 2.0


@click.command()
@click.option("--host", help="Loopback address to listen on [TRACER_HOST; 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65535), help="Port [TRACER_PORT; 4318].")
@click.option("--workers", type=click.IntRange(1), help="Web processes [TRACER_WORKERS; 2].")
@database_options
@with_config
def serve(config: Config) -> None:
    """Serve the pages, the API and OTLP until Ctrl-C."""
    _require_loopback(config.host)
    for order in (signal.SIGINT, signal.SIGTERM):
        signal.signal(order, _leave)
    click.echo(f"Tracer {__version__}")
    with ExitStack() as stack:
        if not config.database_url:
            _own(config, stack)
        listener = stack.enter_context(_listen(config))
        config, tend = stack.enter_context(_database(config))
        _migrate(config)
        _serve(config, listener, tend)


def _serve(config: Config, listener: socket.socket, tend: Callable[[], None]) -> None:
    from tracer.server.family import Family

    def ready() -> None:
        _say("pages", f"{_url(config)}/")
        _say("OTLP", f"{_url(config)}/v1/traces")
        click.echo("Ready; Ctrl-C stops.")

    Family(config, listener, on_ready=ready, tend=tend).run()


def _leave(order: int, _frame: FrameType | None) -> None:
    sys.exit(128 + order)


def _require_loopback(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise ConfigError(
            f"--host {host}: Tracer has no login yet, so it listens on loopback only;"
            " use 127.0.0.1, and a tunnel or an authenticating proxy to reach it from elsewhere"
        )


def _own(config: Config, stack: ExitStack) -> None:
    try:
        stack.enter_context(owned(config.data_dir, _url(config)))
    except Owned as other:
        raise ConfigError(
            f"Tracer runs already on {config.data_dir}: process {other.pid}, {other.label};"
            " stop it, or choose another --data-dir and --port"
        ) from None
    except OSError as error:
        raise unusable(config.data_dir, error) from error


def _listen(config: Config) -> socket.socket:
    """Bind first of all, so that a port in use is said before anything is started."""
    deadline = time.monotonic() + _LINGER_SECONDS
    while True:
        try:
            return _bound(config)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(
                    f"cannot listen on {config.host}:{config.port}: {error.strerror}"
                ) from error
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"port {config.port} is in use by {listener_on(config.port)}:"
                    " stop that, or choose another with --port"
                ) from None
        time.sleep(0.1)


def _bound(config: Config) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def _database(config: Config) -> Iterator[tuple[Config, Callable[[], None]]]:
    """Give the config with a database URL, and what keeps that database running."""
    if config.database_url:
        yield config, lambda: None
        return
    _say("data", str(config.data_dir))
    embedded = Embedded(config.data_dir)
    before = time.perf_counter()
    try:
        started = embedded.start()
        took = f"{(time.perf_counter() - before) * 1000:.0f} ms"
        how = f"started in {took}" if started else f"was left running, taken over in {took}"
        _say("PostgreSQL", f"{VERSION}, {how}")

        def tend() -> None:
            if embedded.postmaster() is None:
                click.echo(f"tracer: PostgreSQL ended; see {embedded.log}", err=True)
                try:
                    embedded.start()
                except EmbeddedError as error:
                    click.echo(f"tracer: {error}; trying again", err=True)

        yield replace(config, database_url=embedded.url), tend
    finally:
        embedded.stop()


def _migrate(config: Config) -> None:
    """Migrate in a process of its own, which takes what migrations import with it."""
    from tracer.server.family import child_environ

    command = [sys.executable, "-P", "-m", "tracer", "db", "upgrade"]
    done = subprocess.run(command, env=child_environ(config), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _url(config: Config) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{config.port}"


def _say(what: str, text: str) -> None:
    click.echo(f"  {what:<11} {text}")
