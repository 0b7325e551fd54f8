"""Answers are a recount, and every number is that of the list behind its query."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.measure.questions import questions
from tests.support.query import world as worlds
from tests.support.store.rows import put
from tests.support.traces.records import span, trace_record
from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.measure.answer import Answer
from tracer.measure.fields import query_grain
from tracer.measure.links import join, time_query
from tracer.measure.question import check, read_question
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.store.measure import answer as answers
from tracer.store.measure.answer import answer
from tracer.store.measure.cells import Scan, Scanned
from tracer.store.measure.plan import Plan
from tracer.store.query.compile import condition
from tracer.store.rollups import fold
from tracer.store.schema import sessions, spans, traces
from tracer.store.users.sums import user_sums_of_traces

CLOCK = Clock(worlds.NOW, ZoneInfo("Europe/Berlin"))
SECOND = 1_000_000
FEW = settings(
    max_examples=10,
    # Shrinking takes minutes, and a drawn question is readable as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def listed(text: str, grain: Grain) -> int:
    """Return the number of rows of the list of a query."""
    tables: dict[Grain, Any] = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}
    table = tables.get(grain)
    if table is None:
        table = user_sums_of_traces(worlds.PROJECT)
    query = sa.select(sa.func.count()).where(
        table.c.project_id == worlds.PROJECT, condition(parse(text, grain), grain, table, CLOCK)
    )
    if grain is Grain.SPAN:
        query = query.where(~table.c.placeholder)
    return db.session.scalar(query) or 0


def check_links(answered: Answer) -> int:
    """Compare counts with the lists behind their queries; return how many were compared."""
    question, grain = answered.question, query_grain(answered.question.grain)
    counted = question.measure in ("count", "ratio", "rate") and question.shape == "values"
    if not counted or question.grain == "scores":
        return 0
    for row in answered.rows:
        query = answered.query(row)
        assert listed(query, grain) == row.count, query
        if question.previous and question.measure == "count":
            previous = answered.frame.previous
            query = join(row.query, time_query(previous.since, previous.until, grain))
            assert listed(query, grain) == row.previous, query
        if question.measure == "count":
            queries = [answered.query(row, index) for index in range(len(row.values))]
            assert [listed(query, grain) for query in queries] == row.values
            assert not row.values or sum(row.values) == row.value  # type: ignore[arg-type]
    if answered.rest is not None:
        assert listed(answered.query(answered.rest), grain) == answered.rest.count
    return len(answered.rows)


@FEW
@given(data=st.data(), world=worlds.worlds())
def test_every_count_is_the_number_of_rows_of_the_list_behind_it(
    app: Flask, data: st.DataObject, world: worlds.World
) -> None:
    with app.app_context():
        worlds.store(world)
        for question in data.draw(st.lists(questions(), min_size=8, max_size=12)):
            check(question)
            with pytest.MonkeyPatch.context() as patch:
                # The world's rows come into the tables without a writer, which appends rollups.
                patch.setattr(answers, "rollups_ready", lambda: False)
                check_links(answer(worlds.PROJECT, question, CLOCK))
        db.session.rollback()


STARTS = 1_700_000_040 * SECOND
"""A minute's beginning, in µs."""


def ask(**fields: Any) -> Answer:
    """Return the answer about the stored traces, a minute each."""
    value = {"since": "2023-11-14", "until": "2023-11-14", **fields}
    return answer(worlds.PROJECT, read_question(value), CLOCK)


@pytest.fixture
def stored(connection: psycopg.Connection[Any]) -> list[tuple[int, str, bool]]:
    """Store a generation per (cost in cents, model, fails), one a minute."""
    drawn = [(n + 1, "ab"[n % 3 == 0], n % 4 == 0) for n in range(24)]
    put(
        connection,
        *(
            span(
                f"s{number}",
                trace=f"t{number}",
                kind="generation",
                start_time=STARTS + number * 60 * SECOND,
                end_time=STARTS + number * 60 * SECOND + cents * SECOND,
                model=model,
                level="error" if fails else "default",
                status_message=f"openai.RateLimitError: {number}" if fails else None,
                usage={"input": cents, "cache_read": 2 * cents},
                cost={"input": Decimal(cents) / 100},
                cost_source="given",
            )
            for number, (cents, model, fails) in enumerate(drawn)
        ),
        *(trace_record(trace=f"t{n}", user_id=f"u{n % 5}") for n in range(len(drawn))),
    )
    return drawn


@pytest.mark.usefixtures("stored")
def test_sums_by_model_and_interval_add_up_to_the_whole(
    app: Flask, stored: list[tuple[int, str, bool]]
) -> None:
    with app.app_context():
        answered = ask(
            measure="sum", field="cost", grain="generations", group_by=["model"], buckets=120
        )
    wanted: Counter[str] = Counter()
    for cents, model, _ in stored:
        wanted[model] += cents
    assert {row.groups[0]: row.value for row in answered.rows} == {
        model: Decimal(cents) / 100 for model, cents in wanted.items()
    }
    for row in answered.rows:
        each = [value for value in row.values if value is not None]
        assert sum(each) == row.value
    assert answered.unit == "usd"
    assert answered.frame.width == timedelta(minutes=30)


@pytest.mark.usefixtures("stored")
def test_the_rest_is_what_the_shown_groups_lack(app: Flask) -> None:
    with app.app_context():
        question = {"group_by": ["user"], "limit": 2, "measure": "sum", "field": "cost"}
        answered, whole = ask(**question), ask(measure="sum", field="cost")
    assert answered.rest is not None
    values = [row.value for row in [*answered.rows, answered.rest]]
    assert sum(values) == whole.rows[0].value  # type: ignore[arg-type]
    assert answered.rest.query == "-user:" + ",".join(str(row.groups[0]) for row in answered.rows)


@pytest.mark.usefixtures("stored")
def test_other_measures(app: Flask, stored: list[tuple[int, str, bool]]) -> None:
    with app.app_context():
        ratio = ask(measure="ratio", part="status:error")
        rate = ask(measure="rate", per="hour")
        users = ask(measure="distinct", field="user", buckets=120)
        percentiles = ask(measure="percentile", field="latency", percents=[50, 100 / 3 * 2])
        average = ask(measure="average", field="cost")
        types = ask(measure="sum", field="tokens", group_by=["token_type"])
        errors = ask(grain="spans", query="level:error", group_by=["error_type"])
    failed = sum(fails for *_, fails in stored)
    assert (ratio.rows[0].value, ratio.rows[0].count) == (failed / 24, failed)
    assert rate.rows[0].value == 1
    assert users.rows[0].value == 5
    assert max(users.rows[0].values) == 5  # type: ignore[type-var]
    assert [row.value for row in percentiles.rows] == [
        pytest.approx(12, rel=0.02),
        pytest.approx(16, rel=0.02),
    ]
    assert average.rows[0].value == pytest.approx(0.125)
    assert [(row.groups, row.value) for row in types.rows] == [
        (("cache_read",), 600),
        (("input",), 300),
    ]
    assert [(row.groups, row.value) for row in errors.rows] == [(("RateLimitError",), failed)]


@pytest.mark.usefixtures("stored")
def test_bins_count_every_row_once(app: Flask) -> None:
    with app.app_context():
        histogram = ask(shape="histogram", field="latency")
        heat = ask(shape="heat_map", field="latency", buckets=60)
        for each in histogram.bins:
            assert listed(histogram.query(each), Grain.TRACE) == each.count
    assert sum(each.count for each in histogram.bins) == 24
    assert [each.count for each in heat.bins] == [sum(each.counts) for each in heat.bins]
    assert sum(each.count for each in heat.bins) == 24
    bounds = [(each.low, each.high) for each in histogram.bins]
    assert all(low < high for low, high in bounds)
    assert [low for low, _ in bounds[1:]] == pytest.approx([high for _, high in bounds[:-1]])


@pytest.mark.usefixtures("stored")
def test_a_slow_scan_becomes_an_estimate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = answers.read

    def slow(scan: Scan, plan: Plan | None = None) -> Scanned:
        if scan.share == 1:
            raise TooSlow("it takes too long")
        return real(scan, plan)

    monkeypatch.setattr(answers, "read", slow)
    monkeypatch.setattr(answers, "rollups_ready", lambda: False)
    with app.app_context():
        answered = ask()
    assert answered.estimated
    assert answered.source == "scan"


@pytest.mark.usefixtures("stored")
def test_many_histograms_of_rollups_are_not_merged(
    app: Flask, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    while fold.fold(connection):
        pass
    with app.app_context():
        merged = ask(measure="percentile", field="latency", group_by=["name"], buckets=24)
        summed = ask(measure="sum", field="latency", group_by=["name"], buckets=24)
        monkeypatch.setattr(answers, "MAX_HISTOGRAMS", 1)
        scanned = ask(measure="percentile", field="latency", group_by=["name"], buckets=24)
        assert (merged.source, scanned.source, scanned.estimated) == ("rollup", "scan", False)
        assert scanned.rows == merged.rows
        # Sums have no histograms, and are read from rollups whatever their number.
        again = ask(measure="sum", field="latency", group_by=["name"], buckets=24)
        assert (again.source, again.rows) == ("rollup", summed.rows)
