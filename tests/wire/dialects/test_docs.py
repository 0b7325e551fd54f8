"""docs/mapping.md says what the registry of dialects says."""

from __future__ import annotations

import re

from tests.support.paths import ROOT
from tracer.wire.dialects import DIALECTS

PAGE = (ROOT / "docs" / "mapping.md").read_text()


def test_the_page_names_all_dialects_in_their_order() -> None:
    listed = re.search(r"<!-- dialects:[^>]*-->(.*?)<!-- /dialects -->", PAGE, re.DOTALL)
    assert listed is not None
    assert re.findall(r"\w+", listed[1]) == [dialect.name for dialect in DIALECTS]


def test_each_dialect_has_its_own_word_on_the_page() -> None:
    for dialect in DIALECTS:
        described = f"| **{dialect.name}** |" in PAGE or f"| {dialect.name} " in PAGE
        assert described or dialect.name == "general", dialect.name


def test_each_attribute_that_the_page_names_for_a_dialect_is_one_of_its_rules() -> None:
    known = [rule for dialect in DIALECTS for rule in (*dialect.rules, *dialect.resource)]
    keys = {rule.key.removesuffix("*").removeprefix("event:") for rule in known}
    rows = [line for line in PAGE.splitlines() if line.startswith("| **")]
    for name in re.findall(
        r"`((?:mlflow|langsmith|ai|pydantic_ai|traceloop|gen_ai)\.[^`]*)`", "".join(rows)
    ):
        asked = name.replace(".N.*", ".").rstrip("*")
        assert any(key.startswith(asked) for key in keys), name
