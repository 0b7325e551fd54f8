"""A PostgreSQL that Debian's packages installed, run for the tests instead of the embedded one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

_PROGRAMS = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"


def installed(version: int) -> bool:
    """Return whether the server programs of this major version are there."""
    return (_PROGRAMS / str(version) / "bin" / "initdb").exists()


def standby(version: int, url: str) -> AbstractContextManager[str]:
    """Run a hot standby of the server at ``url``; give the URL of its database ``postgres``."""
    return _server(version, "pg_basebackup", "-R", "--checkpoint=fast", "-d", url)


def running(version: int) -> AbstractContextManager[str]:
    """Run a new, empty server of ``version`` on a Unix socket; give the URL of ``postgres``."""
    cluster = ("--username=tracer", "--auth=trust", "--encoding=UTF8", "--locale=C")
    return _server(version, "initdb", *cluster, settings=" -c fsync=off -c jit=off")


@contextmanager
def _server(version: int, maker: str, *arguments: str, settings: str = "") -> Iterator[str]:
    """Run a server on the data directory that the program ``maker`` makes; yield its URL."""
    programs = _PROGRAMS / str(version) / "bin"
    # PostgreSQL refuses to run as root; the package made an account for it.
    account: dict[str, Any] = {"user": _ACCOUNT, "group": _ACCOUNT} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="tracer-pg-") as path:
        directory = Path(path)
        if account:
            shutil.chown(directory, _ACCOUNT, _ACCOUNT)
        data = directory / "data"

        def command(program: str, *args: str) -> None:
            subprocess.run(
                [str(programs / program), "-D", str(data), *args],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd="/",
                **account,
            )

        command(maker, *arguments)
        options = f"-c listen_addresses='' -c unix_socket_directories={directory}{settings}"
        command("pg_ctl", "start", "--wait", "--log", str(directory / "log"), "--options", options)
        try:
            yield f"postgresql://tracer@/postgres?host={quote(path, safe='')}"
        finally:
            command("pg_ctl", "stop", "--mode=fast")
