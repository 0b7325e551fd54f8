"""Writes docs/instrumentations.md out of what a run found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.instrumentations.case import Case
from tests.instrumentations.catalogue.cases import CASES
from tests.instrumentations.judging import FIELDS, OK
from tests.instrumentations.outcome import NOT_SENT, SENT_WRONG, WRONG, Outcome, reason
from tests.support.paths import ROOT

PATH: Final[Path] = ROOT / "docs" / "instrumentations.md"

_HEAD: Final = """\
# Instrumentations

What real instrumentations send and Tracer makes of it. Each row is an application that uses
unmodified packages from the registries. It talks to a stand-in for the model provider, which
streams, calls tools, fails, and reports cached and reasoning tokens; what Tracer shows is compared
with what the provider sent.

The scenes are the same where possible: an agent is asked a question, calls a tool and answers; an
answer is streamed; a call fails.

This page is written by `python -m tests.instrumentations`. `make test-slow` compares likewise, and
`make test` does so with what was recorded (`tests/wire/recorded/`). Another instrumentation takes
an application in `tests/instrumentations/applications/`, a case in a module beside it, and
`python -m tests.instrumentations --record <name>`.

- ✓ equals the truth
- – is not sent
- ◐ is there in some scenes only, or is sent wrong: see the notes
- ✗ is wrong in Tracer
- empty: does not apply
"""
_MARKS: Final = {OK: "✓", NOT_SENT: "–", SENT_WRONG: "◐", WRONG: "✗"}
_GENERAL: Final = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")


_WIDTH: Final = 100


def write(outcomes: dict[str, Outcome]) -> None:
    """Write the page; there is an outcome for each case."""
    PATH.write_text("\n".join(map(_wrapped, _page(outcomes))) + "\n")


def _wrapped(text: str) -> str:
    """Return lines of prose wrapped; rows of tables stay as they are."""
    return "\n".join(
        line
        if line.startswith("|")
        else textwrap.fill(
            line,
            _WIDTH,
            subsequent_indent="  " if line.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


def _page(outcomes: dict[str, Outcome]) -> Iterator[str]:
    yield _HEAD
    yield f"| instrumentation | {' | '.join(FIELDS)} |"
    yield f"| --- |{' :-: |' * len(FIELDS)}"
    for case in CASES:
        outcome = outcomes[case.name]
        if outcome.cannot:
            yield f"| {case.title} | can't run here: {_line(outcome.cannot)} |"
        else:
            cells = (_cell(outcome.marks.get(field, {})) for field in FIELDS)
            yield f"| {case.title} | {' | '.join(cells)} |"
    yield "\n## Notes"
    for case in CASES:
        yield from _notes(case, outcomes[case.name])


def _cell(marks: dict[str, str]) -> str:
    """Return one mark for a field out of those that its scenes have."""
    distinct = set(marks.values())
    if WRONG in distinct:
        return _MARKS[WRONG]
    if len(distinct) > 1:
        return _MARKS[SENT_WRONG]
    return _MARKS[distinct.pop()] if distinct else ""


def _notes(case: Case, outcome: Outcome) -> Iterator[str]:
    yield f"\n### {case.title}\n"
    versions = [f"{name} {v}" for name, v in outcome.versions.items() if name not in _GENERAL]
    yield f"`{case.application}`, with {', '.join(versions)}."
    if case.variables:
        settings = (f"`{name}={value}`" for name, value in case.variables.items())
        yield f"Set: {', '.join(settings)}."
    lines = [
        *_exceptions(case, outcome),
        *(f"- ✗ {_line(problem)}" for problem in outcome.problems),
    ]
    if lines:
        yield ""
        yield from lines


def _exceptions(case: Case, outcome: Outcome) -> Iterator[str]:
    """Yield a line for each reason that explains marks, with the fields and scenes it explains."""
    grouped: dict[tuple[str, str], dict[str, list[str]]] = {}
    for field, marks in outcome.marks.items():
        for scene, mark in marks.items():
            why = reason(case, scene, field)
            if why and mark in (NOT_SENT, SENT_WRONG):
                grouped.setdefault((mark, why), {}).setdefault(field, []).append(scene)
    for (mark, why), fields in grouped.items():
        exceptions = (
            field if len(scenes) == len(outcome.marks[field]) else f"{field} ({', '.join(scenes)})"
            for field, scenes in fields.items()
        )
        yield f"- {', '.join(exceptions)}: {mark}: {why}"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
