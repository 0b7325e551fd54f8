"""The documentation of the query language has all fields, and its examples are queries."""

from __future__ import annotations

import re

from tests.support.paths import ROOT
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.reference import field_tables

PAGE = ROOT / "docs/query.md"


def test_the_page_has_the_tables_of_all_fields() -> None:
    assert PAGE.read_text().endswith(field_tables())


def test_the_examples_of_the_page_are_queries() -> None:
    table = PAGE.read_text().partition("| write |")[2].partition("\n\n")[0]
    examples = [
        text
        for row in table.splitlines()[2:]
        for text in re.findall(r"`([^`]+)`", row.split("|")[1])
        if ":" in text
    ]
    assert len(examples) > 20
    for text in examples:
        parse(text, Grain.SPAN if text.startswith(("start", "trace(")) else Grain.TRACE)
