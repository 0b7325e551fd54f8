"""Every number of the home is that of the list behind its link: on demo data and on random data."""

from __future__ import annotations

import random
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from flask.testing import FlaskClient

from tests.support.pages.behind import listed, measured
from tests.support.pages.dom import parse
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.cli.transfer.client import Server
from tracer.cli.transfer.demo import BATCH_SPANS
from tracer.dashboards.library import ready
from tracer.demo.dataset import generate
from tracer.demo.otlp import requests
from tracer.http_client import RetryingClient
from tracer.store.rollups import fold

HOME = "/project/default/dashboards/home/tiles"
ROWS = 4
"""Rows of each chart whose links are followed: those of all groups, at some times."""


@pytest.fixture
def demo(client: FlaskClient) -> None:
    """Send the demo's data set."""
    transport = httpx.WSGITransport(client.application)
    inner = httpx.Client(transport=transport, base_url="http://127.0.0.1")
    server = Server("http://127.0.0.1", "", RetryingClient(client=inner))
    traces = (part.story.trace for part in generate(1, time.time()))
    server.send_all(requests(traces, BATCH_SPANS))


@pytest.fixture
def drawn(store_traces: StoreTraces) -> None:
    """Store random traces of the last days: some fail, lack a user, or are scored."""
    rng = random.Random(5)
    store_traces(*(_trace(rng, number) for number in range(60)))


def _trace(rng: random.Random, number: int) -> TraceBuilder:
    user = rng.choice([None, *(f"user {n}" for n in range(6))])
    trace = TraceBuilder(
        f"{number:032}",
        now() - rng.randrange(6 * 86_400) * SECOND,
        name=rng.choice(["chat", "two words", 'a "quote"', "ünï", "x:y"]),
        environment=rng.choice(["production", "staging"]),
        **({"user_id": user} if user else {}),
    )
    end = rng.lognormvariate(0, 2)
    failed = {"level": "error", "status_message": rng.choice(["Timeout: 3 s", "no"])}
    trace.span("root", None, 0, end, kind="agent", **rng.choice([{}, failed]))
    for call in range(rng.randrange(4)):
        usage = {"input": rng.randrange(9_000), "cache_read": rng.choice([0, 4_000])}
        model = rng.choice(["gpt-4o", "gpt-4o-mini", "m 1"])
        took = rng.lognormvariate(0, 1)
        trace.generation(f"call {call}", "root", 0, took, model=model, usage=usage)
        trace.span(f"tool {call}", "root", 0, 0.1, kind="tool", **rng.choice([{}, failed]))
    if rng.random() < 0.5:
        trace.score(rng.choice(["helpful", "exact"]), rng.random())
    return trace


@pytest.mark.parametrize("data", [pytest.param("demo", marks=pytest.mark.slow), "drawn"])
def test_every_number_is_that_of_the_list_behind_it(
    request: pytest.FixtureRequest,
    client: FlaskClient,
    database_url: str,
    data: str,
) -> None:
    request.getfixturevalue(data)
    fold.fold_all(database_url, lambda: False)
    home = ready("home")
    assert home is not None
    rng, followed = random.Random(1), 0
    for number, tile in enumerate(home.tiles):
        checked = _check_tile(client, rng, number)
        assert checked, tile.title
        followed += checked
    assert followed > 80


def _check_tile(client: FlaskClient, rng: random.Random, number: int) -> int:
    """Compare numbers of a chart with their lists; return how many were compared."""
    data = client.get(f"{HOME}/{number}.json").get_json()
    page = parse(client.get(f"{HOME}/{number}").text)
    cells = page.one("section", "rolls").one("tbody").all("tr")
    pairs = [
        (values, row) for (_, *values), row in zip(data["rows"], cells, strict=True) if any(values)
    ]
    checked = 0
    for values, row in rng.sample(pairs, min(ROWS, len(pairs))):
        for label, value, cell in zip(data["columns"][1:], values, row.all("td"), strict=True):
            if value is not None and cell.all("a"):
                checked += _check(client, data["question"], label, value, cell.one("a")["href"])
    return checked


def _check(client: FlaskClient, question: Any, label: str, value: Any, url: str) -> int:
    label = {"Traces": "count", "Calls": "count"}.get(label, label)
    shown_question = {**question, "measure": "count"} if label == "count" else question
    expected = measured(client, shown_question, label, listed(client, url))
    if shown_question.get("measure") == "ratio":
        # Its link leads to the rows that are the part.
        value *= len(
            listed(client, url.replace(f"{quote(shown_question['part'], safe=':')}%20", ""))
        )
    assert expected in (value, None), (question, label, url)
    return int(expected is not None)
