"""Closed rows of the tree show the sums of their subtree, open rows their own numbers."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.config import Config
from tracer.store import thresholds
from tracer.store.analyses import compute

TRACE = "a" * 32


def story() -> TraceBuilder:
    builder = TraceBuilder(TRACE, name="x").span("root", None, 0, 10)
    builder.span("step", "root", 1, 3)
    builder.generation("call", "step", 1, 2).generation("late", "step", 2, 6, level="error")
    return builder.span("after", "root", 7, 8, level="warning").span("leaf", "after", 7, 8)


def marks(row: Element) -> list[str]:
    return [mark.text for mark in row.all("span", "sum")]


def test_a_closed_row_shows_the_sums_of_its_subtree(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(story())
    shown = get_page(f"/traces/{TRACE}")
    assert marks(shown.one(id="s-root")) == ["Σ 5", "1 error"]
    step = shown.one(id="s-step")
    assert marks(step) == ["Σ 2", "1 error"]
    assert [cell.text for cell in step.all("span", "all")] == ["4,832", "$0.020"]
    assert [cell.text for cell in step.all("span", "own")] == ["", ""]
    # Its children go on for three seconds of ten after it has ended.
    assert step.one("i", "after")["style"] == "--x:30.0;--w:30.0"
    assert marks(shown.one(id="s-after")) == ["Σ 1", "warnings"]
    assert marks(shown.one(id="s-leaf")) == []


def test_a_large_trace_is_labelled_until_it_is_analysed(
    store_traces: StoreTraces,
    get_page: GetPage,
    client: FlaskClient,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 3)
    store_traces(story())
    assert marks(get_page(f"/traces/{TRACE}").one(id="s-step")) == ["counting"]
    rows = client.get(f"/api/v1/traces/{TRACE}/spans").json
    assert rows is not None
    assert rows["data"][0]["subtree"] is None
    with psycopg.connect(config.database_url, autocommit=True) as connection:
        connection.execute("UPDATE analyses SET changed_at = changed_at - %s", [timedelta(hours=1)])
    assert compute.analyse_due(config.database_url) == 1
    assert marks(get_page(f"/traces/{TRACE}").one(id="s-step")) == ["Σ 2", "1 error"]


def test_the_api_gives_subtrees_and_self_time(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(story())
    answer = client.get(f"/api/v1/traces/{TRACE}/spans?parent=root").json
    assert answer is not None
    step, after = answer["data"]
    assert (step["self_ms"], after["self_ms"]) == (0, 0)
    assert {name: step["subtree"][name] for name in ("span_count", "error_count", "level")} == {
        **{"span_count": 3, "error_count": 1, "level": "error"},
    }
    assert (step["subtree"]["total_tokens"], step["subtree"]["total_cost"]) == (4832, 0.0198)
    assert (step["subtree"]["critical_ms"], after["subtree"]["critical_ms"]) == (2_000, 1_000)
