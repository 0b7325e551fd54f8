"""The system account of the embedded PostgreSQL, which refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracer.errors import ConfigError

_NAME: Final = "tracer"


@dataclass(frozen=True)
class Account:
    """A system account that is not root."""

    uid: int
    gid: int


def require_account() -> None:
    """Raise ConfigError if the user of this process has no account: PostgreSQL requires one."""
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise ConfigError(
            f"the user id {uid} of this process has no account, and PostgreSQL does not run without"
            f" one: create it (useradd --uid {uid} --system {_NAME}), start Tracer as root (which"
            " runs PostgreSQL as an account of its own) or as a user with an account, or set"
            " DATABASE_URL to a PostgreSQL server"
        ) from None


def account() -> Account | None:
    """Return the account for PostgreSQL, created if missing; None: the current user is not root.

    Raises OSError if the account can't be created.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        entry = _create()
    return Account(entry.pw_uid, entry.pw_gid)


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME]
    completed = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - the arguments are our own
    if completed.returncode:
        raise OSError(
            f"cannot create the account {_NAME} for PostgreSQL: {completed.stderr.strip()}"
        )
    return pwd.getpwnam(_NAME)


def prepare_data_dir(data_dir: Path, binaries: Path, user: Account | None) -> None:
    """Create ``data_dir``, and let another ``user`` reach it and ``binaries``.

    Raises OSError if the directory can't be written.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), str(data_dir))
    if user is not None:
        for path in (data_dir / "pg", binaries / "postgres"):
            _allow_traversal(path)


def private_directory(path: Path, user: Account | None) -> Path:
    """Return ``path``, created if missing, as a directory that only ``user`` can enter.

    ``user`` None: the current user. Raises OSError, also if ``path`` is a link
    or has another owner.
    """
    uid = os.geteuid() if user is None else user.uid
    try:
        path.mkdir(mode=0o700)
        if user is not None:
            os.chown(path, user.uid, user.gid)
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or status.st_mode & 0o077:
            raise PermissionError(13, "not a private directory of this user", str(path)) from None
    return path


def _allow_traversal(path: Path) -> None:
    """Let other accounts traverse, but not list, the directories above ``path``."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
