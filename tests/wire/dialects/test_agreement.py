"""Agreement with Langfuse's mapping on its own inputs, in every convention they come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.wire.correspondence import AGREEMENT, Ours, agrees
from tracer.wire.otlp.request import JSON, decode_traces

CASES = ROOT.parent / "shared" / "otlp-cases"

EXCLUSIVE = "more of a part than of its whole: they are counted apart, so no sent token is dropped"
AGENT = "an agent's run is an agent, also before its operation had a name"
CALLED = "a call of the model is a generation, also where only its name or its answer says so"
OFFERED = "tools that the model was offered are a field of their own, and metadata is left as it is"
FIRM = "a dialect's own names come before names without a prefix; what lost stays an attribute"
UNSAID = "Langfuse's SDKs write span onto whatever they update: it says nothing beside an agent"
OWN_COUNTS = "the provider's own counts stand in its metadata: its input holds no cached tokens"
WRITTEN = "what a provider calls written to the cache and created in it are one usage type"
DIFFERENCES: dict[str, str] = {
    "064/observations/0/type": AGENT,
    "069/observations/0/type": AGENT,
    "072/observations/0/type": UNSAID,
    "116/observations/0/usageDetails/input_cache_write": WRITTEN,
    "146/observations/0/environment": "an environment is shown as it was sent",
    "167/observations/0/output": "an event that tells nothing known stays an event",
    "179/observations/0/input": "an index only orders: what has an odd one is kept, not dropped",
    "179/observations/0/input/0/message": "as above",
    "184/observations/0/input": OFFERED,
    "184/observations/0/output": "an answer of tool calls is a message, as an answer of text is",
    "184/observations/0/metadata/tools": OFFERED,
    "187/observations/0/input": FIRM,
    "187/observations/0/metadata/attributes/input": FIRM,
    "214/observations/0/usageDetails/output": "audio tokens are within output, not beside it",
    "217/observations/0/usageDetails/output": EXCLUSIVE,
    "222/observations/0/type": CALLED,
    "224/observations/0/type": CALLED,
    "226/observations/0/type": CALLED,
    "227/observations/0/type": CALLED,
    "227/observations/0/usageDetails/input": EXCLUSIVE,
    "229/observations/0/usageDetails/input": OWN_COUNTS,
    "231/observations/0/usageDetails/input": OWN_COUNTS,
    "231/observations/0/usageDetails/input_cache_creation": "the total that was sent holds none",
    "231/observations/0/usageDetails/input_cache_write": WRITTEN,
    "232/observations/0/usageDetails/input": EXCLUSIVE,
}
"""Case number and pointer -> why ours is different on purpose; such a field counts as agreeing."""

FLOOR = 0.98


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


def test_the_asserted_fields_of_langfuses_cases_agree(
    record_property: Callable[[str, object], None],
) -> None:
    if not CASES.is_dir():
        pytest.skip(f"no cases to compare with: {CASES} is absent")
    asserted: Counter[str] = Counter()
    wrong: list[str] = []
    differing: list[str] = []
    paths = sorted(CASES.glob("*.json"))
    for path in paths:
        pointers, different = compare(path)
        asserted[json.loads(path.read_text())["convention"]] += len(pointers)
        for line in different:
            (differing if line.partition(": ")[0] in DIFFERENCES else wrong).append(line)
    total = asserted.total()
    share = (total - len(wrong)) / total
    lines = [
        f"Agreement with Langfuse's mapping: {total - len(wrong)} of {total} asserted fields"
        f" ({share:.1%}) in {len(paths)} cases of {len(asserted)} conventions,"
        f" {len(differing)} of them different on purpose",
        *(f"  not agreed: {line}" for line in wrong),
    ]
    record_property(AGREEMENT, lines)
    assert len(paths) >= 143
    assert len(differing) == len(DIFFERENCES), "a listed difference is none any more"
    assert share >= FLOOR
