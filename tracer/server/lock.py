"""The lock on a data directory, with the id and purpose of the process family that owns it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

# Workers without a parent finish their requests, which takes half a minute at most.
_LINGER_SECONDS = 35.0


class Owned(Exception):
    """Another process owns the data directory: its ``pid`` and its ``label`` (purpose)."""

    def __init__(self, pid: int, label: str):
        super().__init__(f"in use by process {pid} ({label})")
        self.pid = pid
        self.label = label


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that locked a data directory, and the purpose that it stated."""

    pid: int
    label: str


def last_owner(data_dir: Path) -> Owner | None:
    """Return the process that locked ``data_dir`` last, which may have ended; None: unknown."""
    try:
        text = (data_dir / "lock").read_text(errors="replace")
    except OSError:
        return None
    return _parse(text)


@contextmanager
def owned(data_dir: Path, label: str) -> Iterator[None]:
    """Lock ``data_dir`` for the block; other processes can read ``label``, the purpose.

    Forked children share the lock, so after a kill of the owner it is free only when its whole
    family has ended; a new owner waits for that. Raises Owned, and OSError if the directory can't
    be created or written.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n{label}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int) -> None:
    deadline = time.monotonic() + _LINGER_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            if psutil.pid_exists(owner.pid) or time.monotonic() > deadline:
                raise Owned(owner.pid, owner.label) from None
            time.sleep(0.05)


def _owner(descriptor: int) -> Owner:
    text = os.pread(descriptor, 4096, 0).decode(errors="replace")
    return _parse(text) or Owner(0, "starting")


def _parse(text: str) -> Owner | None:
    lines = text.splitlines()
    return Owner(int(lines[0]), lines[1]) if len(lines) == 2 and lines[0].isdigit() else None
