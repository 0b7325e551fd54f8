"""Copies traces, observations, scores and media, from either generation of Langfuse's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tracer.importing.events import (
    Event,
    observation_event,
    score_event,
    trace_event,
    traces_of,
)
from tracer.importing.journal import Journal
from tracer.importing.media import MediaCopier
from tracer.importing.remote import NotThere, Remote, TooLarge, segment
from tracer.importing.target import Target

Progress = Callable[[str, int, int | None], None]
"""Told of (step, done, of how many); None: nobody knows."""

_GROUPS: Final = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
_ROWS: Final = 100


@dataclass(frozen=True)
class TraceCopier:
    """Copies everything traced in a project."""

    remote: Remote
    target: Target
    journal: Journal
    media: MediaCopier
    tell: Progress

    def copy(self) -> None:
        """Copy, from where an earlier copy ended. Raises ImportFailed."""
        try:
            self.remote.get("traces", page=1, limit=1, fields="core")
        except NotThere:
            # A server of the second generation has no routes of the first.
            self._observations()
            self._scores_by_cursor()
        else:
            self._traces()
            self._scores_by_page()

    def _traces(self) -> None:
        """Copy trace by trace, the oldest first; what is added meanwhile comes at the end."""
        done = 0
        pages = self.remote.numbered(
            "traces",
            orderBy="timestamp.asc",
            fields="core",
            fromTimestamp=self.journal.get("traces"),
        )
        for rows, total in pages:
            for row in rows:
                self._store(self._whole(row["id"]))
                done += 1
                self.tell("traces", done, total)
            if rows:
                # The next copy starts at this very time, since several may share it.
                self.journal.note("traces", rows[-1]["timestamp"])

    def _whole(self, trace_id: str) -> list[Event]:
        path = f"traces/{segment(trace_id)}"
        try:
            trace = self.remote.get(path)
            seen = trace["observations"]
        except TooLarge:
            trace = self.remote.get(path, fields="core,io")
            pages = self.remote.numbered("observations", traceId=trace_id)
            seen = [row for rows, _ in pages for row in rows]
        return [trace_event(trace), *(observation_event(one) for one in seen)]

    def _scores_by_page(self) -> None:
        done = 0
        for rows, total in self.remote.numbered("v2/scores"):
            self.target.store([score_event(row) for row in rows])
            done += len(rows)
            self.tell("scores", done, total)

    def _observations(self) -> None:
        """Copy all observations, the newest first, with what each tells of its trace."""
        done = 0
        for rows in self._cursored("v2/observations", fields=_GROUPS):
            self._store([*traces_of(rows), *(observation_event(row) for row in rows)])
            done += len(rows)
            self.tell("observations", done, None)

    def _scores_by_cursor(self) -> None:
        done = 0
        for rows in self._cursored("v3/scores", fields="details,subject,annotation"):
            self.target.store([score_event(row) for row in rows])
            done += len(rows)
            self.tell("scores", done, None)

    def _store(self, events: list[Event]) -> None:
        self.target.store(events)
        for event in events:
            self.media.copy_of(event)

    def _cursored(self, path: str, **params: object) -> Iterator[list[Any]]:
        place = self.journal.get(path) or {}
        while not place.get("done"):
            found = self.remote.get(path, limit=_ROWS, cursor=place.get("cursor"), **params)
            yield found["data"]
            cursor = found["meta"].get("cursor")
            place = {"cursor": cursor} if cursor else {"done": True}
            # Noted when the caller comes back: what was yielded is committed by then.
            self.journal.note(path, place)
