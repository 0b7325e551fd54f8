"""Where a copy goes: a project of this database, through the writer that all requests use."""

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
from tracer.wire.request_context import Receipt

_BATCH: Final = 500


@dataclass
class Target:
    """Stores events in a project, and counts what came of them."""

    writer: Writer
    project_id: str
    max_value_bytes: int
    stored: int = 0
    refused: list[str] = field(default_factory=list)
    """Why single events could not be stored, each with its id."""

    def store(self, events: Sequence[Event]) -> None:
        """Store events; one that does not fit costs only itself."""
        for start in range(0, len(events), _BATCH):
            self._store(events[start : start + _BATCH])

    def _store(self, events: Sequence[Event]) -> None:
        body: Any = json.dumps({"batch": list(events)}).encode()
        receipt = Receipt(time=time.time_ns() // 1000, max_value_bytes=self.max_value_bytes)
        stored = Stored(
            trace_of=lambda span_id: span_search.trace_of(self.project_id, span_id),
            config_of=lambda config_id: configs.get_configs(self.project_id, [config_id]).get(
                config_id
            ),
        )
        decoded = decode_ingestion(body, receipt, stored)
        rejected = {}
        if len(decoded.batch):
            rejected = {
                decoded.places[one.kind, one.index]: one.reason
                for one in self.writer.write(self.project_id, decoded.batch)
            }
        for place, outcome in enumerate(decoded.outcomes):
            reason = rejected.get(place) or (outcome.refusal and str(outcome.refusal))
            if reason:
                self.refused.append(f"{outcome.event_id.removeprefix('import-')}: {reason}")
            else:
                self.stored += 1
