"""Imports traces, observations, scores and media, from either generation of Langfuse's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tracer.importing.events import (
    Event,
    observation_event,
    score_event,
    trace_event,
    trace_events,
)
from tracer.importing.journal import Journal
from tracer.importing.media import MediaCopier
from tracer.importing.remote import Remote, RemoteNotFound, TooLarge, segment
from tracer.importing.target import Target

Progress = Callable[[str, int, int | None], None]
"""Called with (step, number done, total); total None: unknown."""

_GROUPS: Final = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
_ROWS: Final = 100


@dataclass(frozen=True)
class TraceCopier:
    """Imports the traces, observations, scores and media of a project."""

    remote: Remote
    target: Target
    journal: Journal
    media: MediaCopier
    report: Progress

    def copy(self) -> None:
        """Import, continuing where an interrupted import stopped. Raises ImportFailed."""
        try:
            self.remote.get("traces", page=1, limit=1, fields="core")
        except RemoteNotFound:
            # A server with only the second API generation.
            self._observations()
            self._scores_by_cursor()
        else:
            self._traces()
            self._scores_by_page()

    def _traces(self) -> None:
        """Import trace by trace, oldest first, so that traces added meanwhile come at the end."""
        done = 0
        pages = self.remote.pages(
            "traces",
            orderBy="timestamp.asc",
            fields="core",
            fromTimestamp=self.journal.get("traces"),
        )
        for rows, total in pages:
            for row in rows:
                self._store(self._trace_events(row["id"]))
                done += 1
                self.report("traces", done, total)
            if rows:
                # Inclusive: several traces may have this same timestamp.
                self.journal.note("traces", rows[-1]["timestamp"])

    def _trace_events(self, trace_id: str) -> list[Event]:
        path = f"traces/{segment(trace_id)}"
        try:
            trace = self.remote.get(path)
            observations = trace["observations"]
        except TooLarge:
            trace = self.remote.get(path, fields="core,io")
            pages = self.remote.pages("observations", traceId=trace_id)
            observations = [row for rows, _ in pages for row in rows]
        return [trace_event(trace), *(observation_event(row, raw=False) for row in observations)]

    def _scores_by_page(self) -> None:
        done = 0
        for rows, total in self.remote.pages("v2/scores"):
            self.target.store([score_event(row) for row in rows])
            done += len(rows)
            self.report("scores", done, total)

    def _observations(self) -> None:
        """Import all observations, newest first, with the trace fields that each carries."""
        done = 0
        for rows in self._cursored("v2/observations", fields=_GROUPS):
            events = [observation_event(row, raw=True) for row in rows]
            self._store([*trace_events(rows), *events])
            done += len(rows)
            self.report("observations", done, None)

    def _scores_by_cursor(self) -> None:
        done = 0
        for rows in self._cursored("v3/scores", fields="details,subject,annotation"):
            self.target.store([score_event(row) for row in rows])
            done += len(rows)
            self.report("scores", done, None)

    def _store(self, events: list[Event]) -> None:
        self.target.store(events)
        for event in events:
            self.media.copy_for_event(event)

    def _cursored(self, path: str, **params: object) -> Iterator[list[Any]]:
        position = self.journal.get(path) or {}
        while not position.get("done"):
            page = self.remote.get(path, limit=_ROWS, cursor=position.get("cursor"), **params)
            yield page["data"]
            cursor = page["meta"].get("cursor")
            position = {"cursor": cursor} if cursor else {"done": True}
            # Stored after the yield returns: the caller has committed the page by then.
            self.journal.note(path, position)
