"""A PostgreSQL that Debian's packages installed, run for the tests instead of the embedded one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

_PROGRAMS = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"


def installed(version: int) -> bool:
    """Return whether the server programs of this major version are there."""
    return (_PROGRAMS / str(version) / "bin" / "initdb").exists()


@contextmanager
def standby(version: int, url: str) -> Iterator[str]:
    """Run a hot standby of the server at ``url``; yield the URL of its database ``postgres``."""
    programs = _PROGRAMS / str(version) / "bin"
    account: dict[str, Any] = {"user": _ACCOUNT, "group": _ACCOUNT} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="tracer-standby-") as path:
        directory = Path(path)
        if account:
            shutil.chown(directory, _ACCOUNT, _ACCOUNT)
        data = directory / "data"
        quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/", **account}
        copy = ["-R", "--checkpoint=fast", "-D", str(data), "-d", url]
        subprocess.run([str(programs / "pg_basebackup"), *copy], **quiet)
        options = f"-c listen_addresses='' -c unix_socket_directories={directory}"
        control = [str(programs / "pg_ctl"), "-D", str(data)]
        start = ["start", "--wait", "--log", str(directory / "log"), "--options", options]
        subprocess.run([*control, *start], **quiet)
        try:
            yield f"postgresql://tracer@/postgres?host={quote(path, safe='')}"
        finally:
            subprocess.run([*control, "stop", "--mode=fast"], **quiet)


@contextmanager
def running(version: int) -> Iterator[str]:
    """Run a new, empty server of ``version`` on a Unix socket; yield the URL of ``postgres``."""
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

        command("initdb", "--username=tracer", "--auth=trust", "--encoding=UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
        command("pg_ctl", "start", "--wait", "--log", str(directory / "log"), "--options", options)
        try:
            yield f"postgresql://tracer@/postgres?host={quote(path, safe='')}"
        finally:
            command("pg_ctl", "stop", "--mode=fast")
