"""Parquet: the same rows as CSV with types, a row group at a time. Needs the extra ``parquet``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from tracer.errors import Invalid
from tracer.export.selections.columns import FLAG, NUMBER, REAL, TEXT, TIME

_GROUP_ROWS: Final = 5_000
_GROUP_CHARACTERS: Final = 8_000_000
"""A row group is held in memory: it ends at either limit."""


class _Sink:
    """A file whose written bytes are kept until `take` returns them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> int:
        """Keep a part of the file."""
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Mark the file as complete."""
        self.closed = True

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def is_available() -> bool:
    """Return whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield the file; ``columns``: (heading, type). Raises Invalid where pyarrow is missing."""
    if not is_available():
        raise Invalid.of_field(
            "format", "Parquet needs pyarrow: install the extra `parquet` of Tracer"
        )
    return _table(columns, rows)


def _table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    # Imported here: the package belongs to an extra, and takes long to load.
    pa: Any = importlib.import_module("pyarrow")
    pq: Any = importlib.import_module("pyarrow.parquet")

    types = {
        TEXT: pa.string(),
        NUMBER: pa.int64(),
        REAL: pa.float64(),
        FLAG: pa.bool_(),
        TIME: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(heading, types[type_]) for heading, type_ in columns])
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for group in _groups(rows):
            arrays = [
                pa.array(values, types[type_])
                for values, (_, type_) in zip(zip(*group, strict=True), columns, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.take()
    yield sink.take()


def _groups(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    group: list[Sequence[Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(group) >= _GROUP_ROWS or size >= _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group
