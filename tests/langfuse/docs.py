"""The table of SDKs and features in the docs, made by the run that drives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.langfuse.sdks import PYTHON, SDKS, Sdk
from tests.support.paths import ROOT

PAGE: Final = ROOT / "docs" / "langfuse.md"
NOTES: Final = Path(__file__).with_name("outcome.json")
START, END = "<!-- sdks: made by `make test-slow ARGS=tests/langfuse` -->", "<!-- end -->"
FEATURES: Final = (*PYTHON, "LiteLLM")


def note(sdk: Sdk, version: str, wrong: dict[str, str]) -> None:
    """Remember what a run found, and write the table anew."""
    notes = read()
    features = {name: name not in wrong for name in sdk.features}
    notes[sdk.title] = {"version": version, "features": features}
    NOTES.write_text(json.dumps(notes, indent=2, sort_keys=True) + "\n")
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n\n{table(notes)}\n\n{END}{after}")


def read() -> dict[str, dict[str, object]]:
    """Return what the last run of each SDK found."""
    notes: dict[str, dict[str, object]] = json.loads(NOTES.read_text()) if NOTES.exists() else {}
    return notes


def table(notes: dict[str, dict[str, object]]) -> str:
    """Return the table as markdown: works, fails, or nothing where an SDK has no such thing."""
    lines = [
        f"| SDK | version | {' | '.join(FEATURES)} |",
        "| --- | --- |" + " --- |" * len(FEATURES),
    ]
    for sdk in SDKS:
        if sdk.title in notes:
            note = notes[sdk.title]
            features = note["features"]
            assert isinstance(features, dict)
            signs = [{True: "✓", False: "✗", None: ""}[features.get(name)] for name in FEATURES]
            lines.append(f"| {sdk.title} | {note['version']} | {' | '.join(signs)} |")
    return "\n".join(lines)
