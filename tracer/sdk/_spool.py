"""Batches wait on disk while the server is away, and outlive the program."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tracer.sdk._sending import Parcel

_numbers = itertools.count()


class Spool:
    """A directory of parcels, one file each, oldest first; several processes may share it."""

    def __init__(self, directory: str, max_bytes: int) -> None:
        self._directory = Path(directory).expanduser()
        self._max_bytes = max_bytes

    def put(self, parcel: Parcel) -> bool:
        """Store a parcel; False where there is no room, or no disk."""
        head = json.dumps([parcel.path, parcel.media, parcel.items]).encode()
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_numbers)}"
        try:
            # What is said to models is nobody else's business on this machine.
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._size() + len(parcel.body) > self._max_bytes:
                return False
            # Others may read the directory now: what has its final name is whole.
            unfinished = self._directory / f"{name}.part"
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(head + b"\n" + parcel.body)
            unfinished.rename(self._directory / f"{name}.otlp")
        except OSError:
            return False
        return True

    def waiting(self) -> list[Path]:
        """Return the files that are there, oldest first."""
        try:
            return sorted(self._directory.glob("*.otlp"))
        except OSError:
            return []

    def read(self, path: Path) -> Parcel | None:
        """Return a file's parcel; one that can't be read is set aside."""
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            where, media, count = json.loads(head)
            return Parcel(where, media, body, count)
        except (OSError, ValueError):
            with suppress(OSError):
                path.rename(path.with_suffix(".bad"))
            return None

    def done(self, path: Path) -> None:
        """Forget a parcel: the server has it."""
        with suppress(OSError):
            path.unlink()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Give true to one process at a time; the files are one queue."""
        try:
            import fcntl

            with open(self._directory / "lock", "w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    yield False
                    return
                yield True
        except ImportError:
            # No such lock here: at worst a batch is sent twice, which changes nothing.
            yield True

    def _size(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._directory))
