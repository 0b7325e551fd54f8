"""What a case's findings amount to: a mark for each field, and what nobody expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tests.instrumentations.case import Case
from tests.instrumentations.judging import ABSENT, OK, Finding, judge
from tests.instrumentations.seen import Trace

NOT_SENT = "not sent"
SENT_WRONG = "sent wrong"
WRONG = "wrong"


class Outcome(msgspec.Struct):
    """What the docs say of a case; ``cannot`` is why it couldn't run, where it couldn't."""

    versions: dict[str, str] = {}
    marks: dict[str, dict[str, str]] = {}
    """By field and scene."""
    problems: list[str] = []
    cannot: str | None = None


def findings(case: Case, traces: list[Trace]) -> Iterator[Finding]:
    """Yield what each scene of the case shows; traces and scenes come in the same order."""
    assert len(traces) == len(case.scenes), [trace.tree() for trace in traces]
    for scene, trace in zip(case.scenes, traces, strict=True):
        yield from judge(scene, trace, case.provider)


def outcome(case: Case, findings: Iterable[Finding], versions: dict[str, str]) -> Outcome:
    """Return the marks, and a problem for each finding that the case doesn't explain."""
    result = Outcome(versions=versions)
    for finding in findings:
        mark, problem = _mark(case, finding)
        result.marks.setdefault(finding.field, {})[finding.scene] = mark
        if problem:
            result.problems.append(f"{finding.scene}: {finding.field}: {problem}")
    return result


def reason(case: Case, scene: str, field: str) -> str | None:
    """Return why the case says that a field isn't the truth in a scene."""
    for reasons in (case.not_sent, case.wrong):
        for name in (f"{scene}.{field}", field):
            if name in reasons:
                return reasons[name]
    return None


def _mark(case: Case, finding: Finding) -> tuple[str, str | None]:
    names = (f"{finding.scene}.{finding.field}", finding.field)
    lacking = any(name in case.not_sent for name in names)
    excused = lacking or any(name in case.wrong for name in names)
    if finding.verdict == OK:
        return OK, "is right now: take it out of the case's exceptions" if excused else None
    if lacking:
        return (NOT_SENT, None) if finding.verdict == ABSENT else (WRONG, finding.verdict)
    return (SENT_WRONG, None) if excused else (WRONG, finding.verdict)
