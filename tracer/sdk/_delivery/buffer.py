"""Batches wait for the server: in memory, or on disk, where they outlive the program."""

from __future__ import annotations

import os
import random
import uuid
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Parcel(NamedTuple):
    """A request's body, compressed."""

    kind: str
    """spans, or scores."""
    items: int
    """How many would be lost with it."""
    body: bytes
    file: Path | None = None
    """Where it waits, if that is on disk."""


class Buffer:
    """What waits; with a ``directory``, which processes may share, ``spill`` moves it there."""

    def __init__(self, directory: str | os.PathLike[str] | None, max_bytes: int) -> None:
        self._parcels: deque[Parcel] = deque()
        self._directory = Path(directory).expanduser() if directory else None
        self._max_bytes = max_bytes
        self.bytes = 0
        """What waits in memory takes so many."""

    def put(self, parcel: Parcel) -> None:
        """Take a parcel; whether there is room for it is not asked here."""
        self._parcels.append(parcel)
        self.bytes += len(parcel.body)

    def first(self) -> Parcel | None:
        """Return the parcel that is to be sent next; None: nothing waits."""
        if self._parcels:
            return self._parcels[0]
        files = list(self._directory.glob("s*-*-*.otlp")) if self._directory else []
        # In any order, so that processes that share the directory don't send the same ones.
        random.shuffle(files)
        for file in files:
            # Another process may have sent it by now; what is not ours is left alone.
            with suppress(OSError, ValueError):
                kind, items, _ = file.name.split("-")
                return Parcel(kind, int(items), file.read_bytes(), file)
        return None

    def done(self, parcel: Parcel) -> None:
        """Forget what ``first`` returned: the server has it."""
        if parcel.file is not None:
            parcel.file.unlink(missing_ok=True)
        else:
            self._parcels.popleft()
            self.bytes -= len(parcel.body)

    def spill(self) -> None:
        """Move what waits to disk, as far as there is a place for it."""
        # A disk that is full or not there: it goes on waiting in memory.
        with suppress(OSError):
            while self._directory and self._parcels and self._write(self._directory):
                self.done(self._parcels[0])

    def items(self) -> int:
        """Return how many spans and scores wait in memory."""
        return sum(parcel.items for parcel in self._parcels)

    def _write(self, directory: Path) -> bool:
        parcel = self._parcels[0]
        # What is said to models is nobody else's business on this machine.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        used = sum(entry.stat().st_size for entry in os.scandir(directory))
        if used + len(parcel.body) > self._max_bytes:
            return False
        # Others may read the directory now: what has its final name is whole.
        unfinished = directory / f"{parcel.kind}-{parcel.items}-{uuid.uuid4().hex}.part"
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(parcel.body)
        unfinished.rename(unfinished.with_suffix(".otlp"))
        return True
