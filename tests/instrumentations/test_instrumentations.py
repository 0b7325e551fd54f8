"""Real instrumentations, unmodified, become what really happened."""

from __future__ import annotations

import pytest

from tests.instrumentations import docs, recording
from tests.instrumentations.case import Case
from tests.instrumentations.catalogue.cases import CASES
from tests.instrumentations.outcome import findings, outcome
from tests.instrumentations.running import run
from tests.support.environments import CannotInstall


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_instrumentation_is_understood_as_it_comes(case: Case, server: str) -> None:
    try:
        ran = run(case, server)
    except CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")
    assert outcome(case, findings(case, ran.traces), ran.versions).problems == [], ran.output


def test_every_instrumentation_is_in_the_docs_and_recorded() -> None:
    page = docs.PATH.read_text()
    for case in CASES:
        assert f"| {case.title} |" in page
        assert f"### {case.title}\n" in page
        assert (recording.RECORDED / f"{case.name}.json").exists(), case.name
