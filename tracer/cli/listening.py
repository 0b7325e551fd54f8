"""The socket that the server listens on: an address with a port, or a file with permissions."""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

from tracer.cli.ports import listener_on
from tracer.config import Config
from tracer.errors import ConfigError

# After a parent is killed, its workers keep the port open for up to a second.
_WAIT_SECONDS = 2.0
_BACKLOG = 2048


def reserve(config: Config) -> socket.socket:
    """Return a bound socket; called first, so that nothing is started if it is in use.

    Raises ConfigError.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return _bound(config)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(
                    f"cannot listen on {_address(config)}: {error.strerror}"
                ) from error
            if time.monotonic() > deadline:
                raise ConfigError(_in_use(config)) from None
        time.sleep(0.1)


def listen(config: Config, listener: socket.socket) -> None:
    """Accept connections. Raises ConfigError.

    Called after the migrations: until then, connections are refused and proxies use other servers.
    """
    try:
        listener.listen(_BACKLOG)
    except OSError:
        raise ConfigError(_in_use(config)) from None


def _address(config: Config) -> str:
    return config.host if config.socket_file else f"{config.host}:{config.port}"


def _in_use(config: Config) -> str:
    if config.socket_file:
        return (
            f"another program listens on {config.socket_file.path}:"
            " stop it, or choose another path with --host"
        )
    return (
        f"port {config.port} is in use by {listener_on(config.port)}:"
        " stop it, or choose another port with --port"
    )


def _bound(config: Config) -> socket.socket:
    if config.socket_file:
        return _bound_file(config.socket_file.path, config.socket_file.mode)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
    except OSError:
        listener.close()
        raise
    return listener


def _bound_file(path: Path, mode: int) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # By umask and not by a later chmod: before that, others could connect.
    umask = os.umask(0o777 & ~mode)
    try:
        listener.bind(str(path))
        # At once: another server would remove a socket that refuses connections as a stale one.
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(umask)
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of a killed server. Raises OSError if another kind of file is there."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "a file that is no socket has this name")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
