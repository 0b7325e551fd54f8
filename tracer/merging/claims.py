"""Pure: the values that were sent for the fields of a trace, and their precedence.

A value from an API call beats every value from a span; of two calls an update beats a create,
then the later call wins. Of two spans, a value that was sent for the trace beats one that is only
implied (the name, input and output of a span that stands in for the root). Then the process of
the root beats every process that joined the trace, and the process that joined first beats the
others. Within a process a span beats the resource, the root span beats other spans, and then the
latest span wins. Each of these is a maximum, so the order of arrival makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.merging import deep
from tracer.records import RANK_CREATE, RANK_IMPLIED, Json, TraceRecord

PAYLOADS: Final = ("input", "output")
"""Fields with large values, which are read from the database only when they may change."""
UNLOADED: Final = msgspec.UNSET
"""Stands for a value in the field's column that was not read."""
MAX_PROCESSES: Final = 8
"""The limit on the processes remembered per trace: those that joined first."""


class Candidate(msgspec.Struct):
    """The value of one process for one field: of several the one of highest precedence."""

    rank: int
    by_root: bool
    version: int
    value: Any
    """UNLOADED: the field's column holds it."""

    def precedence(self) -> tuple[int, bool, int]:
        """Return the sort key of values of one process."""
        return self.rank, self.by_root, self.version


class Process(msgspec.Struct):
    """The values that one process sent for the fields of a trace."""

    first: int
    """Start of the earliest span that sent any (µs)."""
    fields: dict[str, Candidate] = {}

    def add(self, record: TraceRecord) -> None:
        """Merge one record; null counts as absent."""
        self.first = min(self.first, _first(record))
        for field, value in record.fields.items():
            if value is None:
                continue
            new = Candidate(record.rank, record.by_root, record.version, value)
            old = self.fields.get(field)
            if old is None or _outranks(new, old):
                self.fields[field] = new


class Claims(msgspec.Struct):
    """The values sent for a trace that may still apply."""

    fields: dict[str, Json] = {}
    """From API calls: per field the value of the highest (rank, version, content)."""
    tags: list[str] = []
    metadata: dict[str, Json] = {}
    ranks: dict[str, list[int]] = {}
    """Field, ``metadata.<key>`` or ``tags`` (when replaced) -> [rank, version]."""
    processes: dict[str, Process] = {}
    """From spans, by process."""
    tag_edits: dict[str, list[Any]] = {}
    """Tag -> [version, is present, editor]: the latest edit, which applications can't override."""
    seen: int | None = None
    """Earliest version of any record: the start of a trace that has no span yet (µs)."""

    def add(self, record: TraceRecord) -> None:
        """Merge one record."""
        precedence = [record.rank, record.version]
        if record.rank >= RANK_CREATE:
            for field, value in record.fields.items():
                self._put(self.fields, field, field, value, precedence)
        elif any(value is not None for value in record.fields.values()):
            if record.process not in self.processes:
                self.processes[record.process] = Process(_first(record))
            self.processes[record.process].add(record)
        if record.metadata:
            removing = record.rank >= RANK_CREATE
            parts = deep.parts(record.metadata, deep=record.deep, removing=removing)
            deep.put(self.metadata, self.ranks, parts, precedence)
        self._add_tags(record)
        self.seen = record.version if self.seen is None else min(self.seen, record.version)

    def _add_tags(self, record: TraceRecord) -> None:
        if record.replace_tags:
            column = {"tags": self.tags}
            replacement = sorted(set(record.tags))
            self._put(column, "tags", "tags", replacement, [record.rank, record.version])
            self.tags = column["tags"]
        elif record.tags and "tags" not in self.ranks:
            self.tags = sorted({*self.tags, *record.tags})
        for tag, there in record.tag_edits.items():
            edit = [record.version, there, record.editor]
            self.tag_edits[tag] = max(self.tag_edits.get(tag, edit), edit)

    def shown_tags(self) -> list[str]:
        """Return the application's tags with the edits of people."""
        edits = self.tag_edits.items()
        added = {tag for tag, (_, there, _) in edits if there}
        return sorted(({*self.tags} - {tag for tag, _ in edits}) | added)

    def cleared(self, name: str) -> bool:
        """Return whether an API call set a field to null: the root's value applies then."""
        return name in self.fields and self.fields[name] is None

    def candidate(self, name: str, root_process: str | None) -> Candidate | None:
        """Return the value from spans that applies to a field; None: no span sent one."""
        process = self._source(name, root_process)
        return None if process is None else self.processes[process].fields[name]

    def _source(self, name: str, root_process: str | None) -> str | None:
        """Return the process whose value for a field applies."""
        senders = [key for key, process in self.processes.items() if name in process.fields]
        if len(senders) < 2:
            return senders[0] if senders else None

        def precedence(key: str) -> tuple[bool, bool, int, str]:
            process = self.processes[key]
            sent = process.fields[name].rank > RANK_IMPLIED
            return sent, key == root_process, -process.first, key

        return max(senders, key=precedence)

    def contested(self) -> bool:
        """Return whether another input or output may replace the shown one."""
        for name in PAYLOADS:
            sent = [p.fields[name] for p in self.processes.values() if name in p.fields]
            if len(sent) > 1 or any(candidate.rank == RANK_IMPLIED for candidate in sent):
                return True
        return False

    def dump(self, shown: Iterable[str], root_process: str | None) -> dict[str, Any]:
        """Return the processes as JSON; the values of ``shown`` fields are in their columns.

        Beyond the limit of processes, the root's process and the first ones are kept.
        """
        in_columns = {(name, self._source(name, root_process)) for name in shown}
        order = sorted(self.processes, key=lambda key: (key != root_process, self._joined(key)))
        return {
            key: [
                self.processes[key].first,
                {
                    name: _dump(value, omit=(name, key) in in_columns)
                    for name, value in self.processes[key].fields.items()
                },
            ]
            for key in order[:MAX_PROCESSES]
        }

    def _joined(self, key: str) -> tuple[int, str]:
        return self.processes[key].first, key

    def _put(
        self, fields: dict[str, Json], key: str, rank_key: str, value: Json, precedence: list[int]
    ) -> None:
        old = self.ranks.get(rank_key)
        equal = old == precedence and exact_json.encode_deterministic(
            value
        ) > exact_json.encode_deterministic(fields.get(key))
        if old is None or precedence > old or equal:
            fields[key] = value
            self.ranks[rank_key] = precedence


def load(dumped: dict[str, Any], columns: dict[str, Json]) -> dict[str, Process]:
    """Return the processes of `Claims.dump`; omitted values are those of ``columns``.

    Where ``columns`` lacks one, it is UNLOADED.
    """
    processes = {}
    for key, (first, fields) in dumped.items():
        process = processes[key] = Process(first)
        for name, (rank, by_root, version, *inline) in fields.items():
            value = inline[0] if inline else columns.get(name, UNLOADED)
            process.fields[name] = Candidate(rank, by_root, version, value)
    return processes


def _dump(value: Candidate, *, omit: bool) -> list[Any]:
    precedence = [value.rank, value.by_root, value.version]
    return precedence if omit else [*precedence, value.value]


def _outranks(new: Candidate, old: Candidate) -> bool:
    if new.precedence() != old.precedence():
        return new.precedence() > old.precedence()
    return exact_json.encode_deterministic(new.value) > exact_json.encode_deterministic(old.value)


def _first(record: TraceRecord) -> int:
    return record.version if record.first is None else record.first
