"""Whom the embedded PostgreSQL runs as: it refuses root, for whom an account is made."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAME: Final = "tracer"


@dataclass(frozen=True)
class Account:
    """A system account that is not root."""

    uid: int
    gid: int


def account() -> Account | None:
    """Return the account for PostgreSQL when we are root, made at need; None: run as we are.

    Raises OSError when the account can't be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        entry = _made()
    return Account(entry.pw_uid, entry.pw_gid)


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"root needs an account {_NAME} for PostgreSQL: {done.stderr.strip()}")
    return pwd.getpwnam(_NAME)


def own(data_dir: Path, binaries: Path, user: Account | None) -> None:
    """Make ``data_dir`` ours, and for another ``user`` the ways to it and to ``binaries``.

    Raises OSError when it can't be written.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), str(data_dir))
    if user is not None:
        for path in (data_dir / "pg", binaries / "postgres"):
            _let_pass(path)


def private_directory(path: Path, user: Account | None) -> Path:
    """Return ``path`` as a directory that only ``user`` (None: we) can enter, made at need.

    Raises OSError, also when somebody else's directory or a link is there.
    """
    uid = os.geteuid() if user is None else user.uid
    try:
        path.mkdir(mode=0o700)
        if user is not None:
            os.chown(path, user.uid, user.gid)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise PermissionError(13, "not a private directory of this user", str(path)) from None
    return path


def _let_pass(path: Path) -> None:
    """Let other accounts walk through (not list) the directories above ``path``."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
