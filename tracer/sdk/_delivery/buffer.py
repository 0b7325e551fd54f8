"""Buffer: keeps encoded batches until they are sent, in memory or on disk."""

from __future__ import annotations

import os
import random
import uuid
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Batch(NamedTuple):
    """The compressed body of one request."""

    kind: str
    """spans, or scores."""
    items: int
    """Number of spans or scores that would be lost with the batch."""
    body: bytes
    file: Path | None = None
    """The file that holds the batch, if it waits on disk."""


class Buffer:
    """The waiting batches, in memory; ``spill`` moves them to a ``directory``, if there is one.

    Several processes may share the directory, and its files outlive them.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, max_bytes: int) -> None:
        self._batches: deque[Batch] = deque()
        self._directory = Path(directory).expanduser() if directory else None
        self._max_bytes = max_bytes
        self.bytes = 0
        """Size of the batches in memory."""

    def put(self, batch: Batch) -> None:
        """Append a batch; the caller checks that there is room."""
        self._batches.append(batch)
        self.bytes += len(batch.body)

    def first(self) -> Batch | None:
        """Return the batch to send next; None: no batch waits."""
        if self._batches:
            return self._batches[0]
        files = list(self._directory.glob("s*-*-*.otlp")) if self._directory else []
        # In random order, so that processes that share the directory send different files.
        random.shuffle(files)
        for file in files:
            # Another process may have removed the file; files with other names are left alone.
            with suppress(OSError, ValueError):
                kind, items, _ = file.name.split("-")
                return Batch(kind, int(items), file.read_bytes(), file)
        return None

    def done(self, batch: Batch) -> None:
        """Remove the batch that ``first`` returned: the server has it."""
        if batch.file is not None:
            batch.file.unlink(missing_ok=True)
        else:
            self._batches.popleft()
            self.bytes -= len(batch.body)

    def spill(self) -> None:
        """Move the batches in memory to the directory, as far as there is room."""
        # Where the disk is full or missing, the batches stay in memory.
        with suppress(OSError):
            while self._directory and self._batches and self._write(self._directory):
                self.done(self._batches[0])

    def items(self) -> int:
        """Return the number of spans and scores in memory."""
        return sum(batch.items for batch in self._batches)

    def _write(self, directory: Path) -> bool:
        batch = self._batches[0]
        # Prompts and answers are private: other users of the machine can't read them.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        used = sum(entry.stat().st_size for entry in os.scandir(directory))
        if used + len(batch.body) > self._max_bytes:
            return False
        # Other processes may read the directory now: a file with its final name is complete.
        unfinished = directory / f"{batch.kind}-{batch.items}-{uuid.uuid4().hex}.part"
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(batch.body)
        unfinished.rename(unfinished.with_suffix(".otlp"))
        return True
