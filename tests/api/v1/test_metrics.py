"""The route of questions: what it takes, and what it answers."""

from __future__ import annotations

from flask.testing import FlaskClient


def test_a_question_is_answered_with_the_query_behind_each_number(client: FlaskClient) -> None:
    for number, name in enumerate(["a", "a", "b c"]):
        client.post("/api/v1/traces", json={"id": f"t{number}", "name": name})
    question = {"group_by": ["name"], "buckets": 24, "previous": True, "since": "-1h"}
    answer = client.post("/api/v1/metrics", json=question)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert [(row["groups"], row["value"], row["previous"]) for row in body["rows"]] == [
        (["a"], 2, 0),
        (["b c"], 1, 0),
    ]
    assert body["question"] == {"since": "-1h", **question}
    assert body["rows"][1]["filter"] == 'name:"b c"'
    for row in body["rows"]:
        listed = client.get("/api/v1/traces", query_string={"q": row["query"]}).get_json()
        assert len(listed["data"]) == row["count"]
        index = next(index for index, value in enumerate(row["values"]) if value)
        query = f"{row['filter']} {body['intervals'][index]['query']}"
        listed = client.get("/api/v1/traces", query_string={"q": query}).get_json()
        assert len(listed["data"]) == row["values"][index]


def test_a_wrong_question_is_refused_with_the_name_of_the_field(client: FlaskClient) -> None:
    answer = client.post("/api/v1/metrics", json={"group_by": ["nam"]})
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["field"] == "group_by[0]"


def test_percents_are_taken_with_more_digits_than_a_float_has(client: FlaskClient) -> None:
    for percent in ("99.90", "99.90000000000000000001"):
        body = f'{{"measure": "percentile", "field": "latency", "percents": [{percent}]}}'
        headers = {"Content-Type": "application/json"}
        answer = client.post("/api/v1/metrics", data=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["question"]["percents"] == [99.9]
