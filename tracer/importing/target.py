"""Writes imported events into a project, through the same writer as the ingestion endpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracer.importing.events import Event
from tracer.store.scores import configs
from tracer.store.traces import span_search
from tracer.store.writing.writer import Writer
from tracer.wire.langfuse.ingestion import Stored, decode_ingestion
from tracer.wire.request_context import RequestContext

_BATCH: Final = 500


@dataclass
class Target:
    """Stores events in a project, and counts stored and refused ones."""

    writer: Writer
    project_id: str
    max_value_bytes: int
    stored: int = 0
    refused: list[str] = field(default_factory=list)
    """One line per event that could not be stored: its id and the reason."""

    def store(self, events: Sequence[Event]) -> None:
        """Store events; an invalid event does not affect the others."""
        for start in range(0, len(events), _BATCH):
            self._store(events[start : start + _BATCH])

    def _store(self, events: Sequence[Event]) -> None:
        body: Any = json.dumps({"batch": list(events)}).encode()
        context = RequestContext(time=time.time_ns() // 1000, max_value_bytes=self.max_value_bytes)
        stored = Stored(
            trace_of=lambda span_id: span_search.trace_of(self.project_id, span_id),
            config_of=lambda config_id: configs.get_configs(self.project_id, [config_id]).get(
                config_id
            ),
            checked=False,
        )
        decoded = decode_ingestion(body, context, stored)
        rejected = {}
        if len(decoded.batch):
            rejected = {
                decoded.places[rejection.kind, rejection.index]: rejection.reason
                for rejection in self.writer.write(self.project_id, decoded.batch)
            }
        for index, outcome in enumerate(decoded.outcomes):
            reason = rejected.get(index) or (outcome.refusal and str(outcome.refusal))
            if reason:
                self.refused.append(f"{outcome.event_id.removeprefix('import-')}: {reason}")
            else:
                self.stored += 1
