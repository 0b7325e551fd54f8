"""For tests of instrumented applications: records spans in memory, with helpers to check them."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from tracer.sdk import _fields as fields
from tracer.sdk._client import connected, state
from tracer.sdk._config import read_config
from tracer.sdk._delivery.mask import Masks
from tracer.sdk._sink import Sink


class Recorded:
    """A recorded span, with the fields that Tracer would show."""

    def __init__(self, span: ReadableSpan) -> None:
        self.otel = span
        """OpenTelemetry's span."""
        self.attributes: dict[str, Any] = dict(span.attributes or {})
        context = span.context
        self.name = span.name
        self.trace_id = f"{context.trace_id:032x}"
        self.span_id = f"{context.span_id:016x}"
        self.parent_id = f"{span.parent.span_id:016x}" if span.parent is not None else None
        self.kind: str = self.attributes.get(fields.KIND, "span")
        self.input = self._json(fields.INPUT)
        self.output = self._json(fields.OUTPUT)
        self.metadata = self._json(fields.METADATA) or {}
        self.usage = self._json(fields.USAGE) or {}
        self.cost = self._json(fields.COST) or {}
        self.model: str | None = self.attributes.get(fields.MODEL)
        self.session: str | None = self.attributes.get(fields.SESSION)
        self.user: str | None = self.attributes.get(fields.USER)
        self.tags: Sequence[str] = self.attributes.get(fields.TAGS, ())
        self.error = span.status.description if span.status.status_code.name == "ERROR" else None
        self.events = [event.name for event in span.events]

    def _json(self, name: str) -> Any:
        text: Any = self.attributes.get(name)
        # A masked value may be invalid JSON.
        with suppress(TypeError, ValueError):
            return json.loads(text)
        return text

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r}{' failed' if self.error else ''}>"


class Recording(Sink):
    """The spans that ended since the block began, in the order of their ends, and the scores."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.config = read_config(settings, {})
        self._masks = Masks(self.config)
        self.spans: list[Recorded] = []
        self.scores: list[dict[str, Any]] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(Recorded(self._masks.span(span) if self._masks else span))

    def put_score(self, score: dict[str, Any]) -> None:
        self.scores.append(score)

    def named(self, name: str, kind: str | None = None) -> list[Recorded]:
        """Return the spans of this name, and of this kind if it is given."""
        return [s for s in self.spans if s.name == name and kind in (None, s.kind)]

    def one(self, name: str, kind: str | None = None) -> Recorded:
        """Return the only span of this name. Raises AssertionError unless there is exactly one."""
        spans = self.named(name, kind)
        assert len(spans) == 1, f"{len(spans)} spans are {kind or ''} {name!r} in:\n{self.tree()}"
        return spans[0]

    def tree(self) -> str:
        """Return the spans as indented lines, ``kind name``, siblings ordered by their start."""
        return "\n".join(self._lines(None, ""))

    def assert_tree(self, expected: str) -> None:
        """Compare ``tree()`` with a text; indentation common to all its lines is ignored."""
        expected = textwrap.dedent(expected).strip()
        assert self.tree() == expected, f"recorded:\n{self.tree()}\nexpected:\n{expected}"

    def assert_no_errors(self) -> None:
        """Raise AssertionError with the spans that failed, if there are any."""
        failed = [f"{span.name}: {span.error}" for span in self.spans if span.error]
        assert not failed, "\n".join(failed)

    def _lines(self, parent: str | None, indent: str) -> Iterator[str]:
        known = {span.span_id for span in self.spans}
        below = [
            span
            for span in self.spans
            if (span.parent_id if span.parent_id in known else None) == parent
        ]
        for span in sorted(below, key=lambda span: span.otel.start_time or 0):
            yield f"{indent}{span.kind} {span.name}{' failed' if span.error else ''}"
            yield from self._lines(span.span_id, f"{indent}  ")


@contextmanager
def recording(**settings: Any) -> Iterator[Recording]:
    """Record in memory while the block runs, with the settings of ``init``; nothing is sent.

    A pytest fixture is ``with recording() as spans: yield spans``. After the block, the process
    records as it did before.
    """
    recorded = Recording(**settings)
    # The other client is replaced, not shut down: it continues to send its waiting spans.
    previous = state.client_of(os.getpid())
    state.client = connected(recorded.config, recorded)
    try:
        yield recorded
    finally:
        state.client = previous


__all__ = ["Recorded", "Recording", "recording"]
