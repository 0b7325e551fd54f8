"""Forms are accepted from Tracer's own pages only."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

PATH = "/project/default/prices/new"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 422),
        ({"Origin": "http://localhost"}, 422),
        ({"Origin": "https://localhost"}, 422),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://localhost:8000"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_only_a_form_of_this_origin_is_accepted(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert client.post(PATH, data={}, headers=headers).status_code == status


def test_links_from_other_sites_work(client: FlaskClient) -> None:
    answer = client.get("/project/default/prices", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


def test_programs_may_use_the_api_from_any_origin(client: FlaskClient) -> None:
    body = {"model": "m", "rates": {"base": {"input": 1}}}
    assert client.post("/api/v1/prices", json=body).status_code == 201
