"""The pages of the SDK: their programs run, and their tables are complete."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import tracer.sdk as tracer
from tests.support.otlp_receiver import Receiver
from tests.support.paths import ROOT
from tracer.sdk._config import _VARIABLES, Config
from tracer.sdk._fields import Fields, TraceFields

INDEX = ROOT / "docs" / "sdk.md"
PAGES = sorted((ROOT / "docs" / "sdk").glob("*.md"))


def programs(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [INDEX, *PAGES], ids=lambda page: page.stem)
def test_the_programs_of_a_page_run_one_after_the_other(
    page: Path, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_ENDPOINT", receiver.url)
    names: dict[str, Any] = {"tracer": tracer}
    if page != INDEX:
        exec(programs(INDEX)[0], names)
    for program in programs(page):
        exec(program.replace("/var/tmp/shop-traces", str(tmp_path / "spool")), names)
    assert tracer.flush()
    assert receiver.taken or receiver.scores
    assert tracer.dropped() == {}


def test_the_index_names_every_page() -> None:
    assert set(re.findall(r"\]\(sdk/(\w+\.md)\)", INDEX.read_text())) == {p.name for p in PAGES}


def test_every_setting_is_listed_with_its_variable_and_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\| (.+?) \|", INDEX.read_text(), re.MULTILINE)
    listed = {name: (variable, default.strip("`")) for name, variable, default in rows}
    fields = {field.name: field for field in dataclasses.fields(Config)}
    assert set(listed) == set(fields) == set(inspect.signature(tracer.init).parameters)
    for name, (variable, default) in listed.items():
        assert variable == (f"TRACER_{name.upper()}" if name in _VARIABLES else "")
        value = fields[name].default
        nothing = value in ("", None, ()) or value is dataclasses.MISSING
        assert default == ("none" if nothing else str(value)), name


def test_every_field_of_an_update_is_documented() -> None:
    page = (ROOT / "docs" / "sdk" / "spans.md").read_text()
    fields, trace_fields = set(Fields.__annotations__), set(TraceFields.__annotations__)
    assert {"input", "output", "usage"} <= fields
    assert {"session", "tags"} <= trace_fields
    assert {name for name in fields if f"`{name}`" not in page} == set()
    assert {name for name in trace_fields if f"{name}=" not in page} == set()


def test_every_public_name_is_documented_on_some_page() -> None:
    text = "".join(page.read_text() for page in [INDEX, *PAGES])
    names = {name for name, value in vars(tracer).items() if callable(value) and name[0] != "_"}
    assert names > {"init", "observe", "generation", "session", "flush"}
    for name in names - {"Instrumented", "Span", "current_span", "current_trace_id"}:
        assert re.search(rf"\b{name}\b", text), name
