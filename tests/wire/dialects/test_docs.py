"""docs/mapping.md describes the dialects that are registered."""

from __future__ import annotations

import re

from tests.support.paths import ROOT
from tracer.wire.dialects import DIALECTS

PAGE = (ROOT / "docs" / "mapping.md").read_text()


def test_the_page_names_all_dialects_in_their_order() -> None:
    listed = re.search(r"<!-- dialects:[^>]*-->(.*?)<!-- /dialects -->", PAGE, re.DOTALL)
    assert listed is not None
    assert re.findall(r"\w+", listed[1]) == [dialect.name for dialect in DIALECTS]


def test_each_dialect_is_described_on_the_page() -> None:
    names = {dialect.name for dialect in DIALECTS} - {"general"}
    assert len(names) > 20
    described = {name for name in names if f"| **{name}** |" in PAGE or f"| {name} " in PAGE}
    assert described == names


def test_each_attribute_that_the_page_names_for_a_dialect_is_one_of_its_rules() -> None:
    known = [rule for dialect in DIALECTS for rule in (*dialect.rules, *dialect.resource)]
    keys = {rule.key.removesuffix("*").removeprefix("event:") for rule in known}
    rows = [line for line in PAGE.splitlines() if line.startswith("| **")]
    names = re.findall(
        r"`((?:mlflow|langsmith|ai|pydantic_ai|traceloop|gen_ai)\.[^`]*)`", "".join(rows)
    )
    assert len(names) > 20
    prefixes = {name: name.replace(".N.*", ".").rstrip("*") for name in names}
    unknown = [name for name, p in prefixes.items() if not any(k.startswith(p) for k in keys)]
    assert unknown == []
