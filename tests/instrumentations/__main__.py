"""Runs the instrumentations, all or those named, and writes docs/instrumentations.md.

``--record`` also writes what they sent to tests/wire/recorded/.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from tests.instrumentations import docs, recording
from tests.instrumentations.case import Case
from tests.instrumentations.catalogue.cases import CASES
from tests.instrumentations.outcome import Outcome, findings, outcome
from tests.instrumentations.running import run
from tests.support.environments import CACHE, CannotInstall
from tests.support.serving import serving

# What earlier runs of other cases found, so that the page is whole after any run.
_RESULTS: Final = CACHE / "results.json"


def main() -> None:
    """Run, print a line for each case, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.instrumentations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="of a case; none: all")
    parser.add_argument("--record", action="store_true", help="keep what was sent")
    arguments = parser.parse_args()
    known = {case.name: case for case in CASES}
    if unknown := set(arguments.names) - known.keys():
        parser.error(f"no case is named {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    chosen = [known[name] for name in arguments.names] or list(CASES)
    outcomes = _earlier()
    with (
        tempfile.TemporaryDirectory(prefix="tracer-") as directory,
        serving(data_dir=Path(directory) / "data") as serve,
    ):
        for case in chosen:
            started = time.monotonic()
            outcomes[case.name] = outcome = _run(case, serve.url, record=arguments.record)
            state = outcome.cannot or f"{len(outcome.problems)} problems"
            print(f"{case.name}: {state} ({time.monotonic() - started:.0f} s)", flush=True)
            for problem in outcome.problems:
                print(f"  {problem}", flush=True)
    _RESULTS.write_bytes(msgspec.json.encode(outcomes))
    if known.keys() <= outcomes.keys():
        docs.write(outcomes)
    else:
        print(f"{docs.PATH.name} stays as it is until all have run")


def _earlier() -> dict[str, Outcome]:
    if not _RESULTS.exists():
        return {}
    return msgspec.json.decode(_RESULTS.read_bytes(), type=dict[str, Outcome])


def _run(case: Case, url: str, *, record: bool) -> Outcome:
    try:
        ran = run(case, url)
    except CannotInstall as reason:
        return Outcome(cannot=str(reason))
    if record:
        recording.write(case.name, ran.versions, ran.sent, ran.logs)
    return outcome(case, findings(case, ran.traces), ran.versions)


if __name__ == "__main__":
    main()
