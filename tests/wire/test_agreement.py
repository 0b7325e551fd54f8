"""Agreement with Langfuse's mapping on its own inputs, in the conventions known so far."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.wire.correspondence import Ours, agrees
from tracer.wire.otlp import JSON, decode_traces

CASES = Path(__file__).parents[3] / "shared" / "otlp-cases"
CONVENTIONS = ("langfuse", "gen_ai", "openinference")

EXCLUSIVE = "more reasoning than output: they are counted apart, so no sent token is dropped"
DIFFERENCES: dict[str, str] = {
    "146/observations/0/environment": "an environment is shown as it was sent",
    "179/observations/0/input": "an index only orders: what has an odd one is kept, not dropped",
    "179/observations/0/input/0/message": "as above",
    "214/observations/0/usageDetails/output": "audio tokens are within output, not beside it",
    "217/observations/0/usageDetails/output": EXCLUSIVE,
}
"""Case number and pointer -> why ours is different on purpose; such a field counts as agreeing."""

FLOOR = 0.97
"""What is missing are the message events of gen_ai 1.28 to 1.36."""


def compare(path: Path) -> tuple[list[str], list[str]]:
    """Return the asserted pointers of a case, and those on which we don't agree."""
    case = json.loads(path.read_text())
    decoded = decode_traces(json.dumps(case["otlp"]).encode(), JSON, max_value_bytes=1 << 20)
    ours = Ours(decoded)
    pointers = [*case["asserts"], *case["asserts_absent"]]
    wrong = []
    for pointer in pointers:
        theirs = case["expected"]
        for part in pointer.strip("/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(theirs, str):
                theirs = json.loads(theirs)
            theirs = theirs[int(part)] if isinstance(theirs, list) else (theirs or {}).get(part)
        mine = ours.get(pointer, case["expected"])
        if pointer.endswith("/tags"):
            # Tags are a set, which they sort sometimes.
            theirs = sorted(theirs or [])
        if not agrees(mine, theirs):
            wrong.append(f"{path.name[:3]}{pointer}: {mine!r:.200} != {theirs!r:.200}")
    return pointers, wrong


def test_the_asserted_fields_of_langfuses_own_cases_agree() -> None:
    if not CASES.is_dir():
        pytest.skip(f"no cases to compare with: {CASES} is absent")
    asserted: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    told = []
    deliberate = 0
    for path in sorted(CASES.glob("*.json")):
        convention = json.loads(path.read_text())["convention"]
        if convention in CONVENTIONS:
            pointers, different = compare(path)
            wrong = [line for line in different if line.partition(": ")[0] not in DIFFERENCES]
            deliberate += len(different) - len(wrong)
            asserted[convention] += len(pointers)
            agreed[convention] += len(pointers) - len(wrong)
            told += wrong
    for convention in CONVENTIONS:
        share = agreed[convention] / asserted[convention]
        print(
            f"{convention}: {agreed[convention]}/{asserted[convention]} fields agree ({share:.1%})"
        )
    print("\n".join(told))
    assert deliberate == len(DIFFERENCES), "a listed difference is none any more"
    assert agreed.total() / asserted.total() >= FLOOR
