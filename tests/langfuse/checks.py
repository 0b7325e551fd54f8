"""What has to come of each feature of an SDK's application, read over the API."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any, Final

from tests.langfuse.sdks import Ran

Read = Callable[..., Any]
"""Reads a path of the JSON API with a query."""


def check(feature: str, ran: Ran, read: Read) -> None:
    """Raise AssertionError where a feature did not come to what its application did."""
    _CHECKS[feature](ran.report, read)


def _spans(read: Read, trace_id: str) -> dict[str, Any]:
    observations = read("v2/observations", traceId=trace_id, limit=100, fields=_GROUPS)["data"]
    return {observation["name"]: observation for observation in observations}


_GROUPS: Final = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"


def _decorators(report: Any, read: Read) -> None:
    spans = _spans(read, report["decorators"])
    # In SDK 2 the outermost function is the trace itself.
    outer = spans.get("outer")
    assert spans["inner"]["parentObservationId"] == (outer and outer["id"])
    assert outer is None or outer["parentObservationId"] is None
    trace = read(f"traces/{report['decorators']}")
    assert trace["name"] == "outer"


def _nested_generation(report: Any, read: Read) -> None:
    spans = _spans(read, report["chat"])
    call, step, note = spans["llm"], spans["step"], spans["note"]
    assert call["parentObservationId"] == step["id"] == note["parentObservationId"]
    assert (call["type"], note["type"]) == ("GENERATION", "EVENT")
    assert call["model"] == "gpt-4o"
    assert call["usageDetails"] == {"input": 10, "output": 5, "total": 15}
    assert call["totalCost"] > 0
    # SDK 2 makes a text of every parameter itself.
    assert float(call["modelParameters"]["temperature"]) == 0.5
    assert json.loads(call["input"]) == [{"role": "user", "content": "hi"}]
    assert call["output"] == "hello"
    assert call["metadata"]["updated"] in ("true", "True")
    assert call["endTime"] is not None
    assert (step["level"], step["statusMessage"]) == ("WARNING", "slow")
    assert json.loads(step["input"]) == {"q": 1}
    assert step["output"] == "done"


def _trace_attributes(report: Any, read: Read) -> None:
    trace = read(f"traces/{report['chat']}")
    assert trace["name"] == "chat"
    assert (trace["userId"], trace["sessionId"]) == ("user", "session")
    assert (trace["tags"], trace["version"]) == (["a", "b"], "v1")
    assert trace["metadata"]["key"] in ({"one": 1, "two": 2}, "one")
    assert (trace["input"], trace["output"]) == ("question", "answer")
    # The link that the SDK prints leads to the trace's page.
    with urllib.request.urlopen(report["url"], timeout=20) as page:
        assert page.url.endswith(f"/project/{trace['projectId']}/traces/{trace['id']}")
    assert "session" in [session["id"] for session in read("sessions")["data"]]


def _scores(report: Any, read: Read) -> None:
    rows = read("v2/scores", traceId=report["chat"])["data"]
    scores = {score["name"]: score for score in rows}
    assert (scores["number"]["value"], scores["number"]["comment"]) == (0.5, "why")
    assert scores["label"]["stringValue"] == "good"
    assert (scores["flag"]["dataType"], scores["flag"]["value"]) == ("BOOLEAN", 1)
    assert scores["span"]["observationId"] == _spans(read, report["chat"])["llm"]["id"]
    # A correction has the name of the field that it corrects.
    texts = {row["dataType"]: row.get("stringValue") for row in rows if row["name"] != "label"}
    for data_type in report.get("texts", ()):
        assert texts[data_type] == "better"
    if "texts" in report:
        [score] = read("v2/scores", sessionId="session", name="of session")["data"]
        assert (score["traceId"], score["value"]) == (None, 0.25)


def _openai(_report: Any, read: Read) -> None:
    [generation] = read("observations", name="openai", type="GENERATION")["data"]
    assert generation["model"].startswith("gpt-4o")
    assert generation["usageDetails"]["total"] > 0
    assert generation["calculatedTotalCost"] > 0
    assert generation["output"]["content"]


def _langchain(report: Any, read: Read) -> None:
    observations = read("v2/observations", traceId=report["langchain"], fields=_GROUPS)["data"]
    # Where its OpenAI integration is loaded as well, both record the call.
    observation = next(
        observation
        for observation in observations
        if observation["name"] in ("ChatOpenAI", "langchain")
    )
    assert observation["model"].startswith("gpt-4o")
    assert observation["usageDetails"]["total"] > 0
    assert observation["output"]


def _prompts(report: Any, _read: Read) -> None:
    assert report["prompts"] == {
        "texts": ["Hi Ann", "Hello Ann", "Bye Ann"],
        "versions": [1, 2],
        "config": {"t": 1},
        "chat": "Ann?",
        "fallback": True,
        "cached": True,
    }


def _media(report: Any, read: Read) -> None:
    trace = read(f"traces/{report['media']}")
    text = json.dumps([trace["input"], trace["metadata"], trace["observations"]])
    [media_id, *_] = re.findall(r"@@@langfuseMedia:type=text/plain\|id=([^|]+)\|", text)
    with urllib.request.urlopen(read(f"media/{media_id}")["url"], timeout=20) as file:
        assert file.read() == b"a file"


def _datasets(report: Any, read: Read) -> None:
    assert report["datasets"]["inputs"] == [1, 2]
    assert report["datasets"]["linked"] == 2
    run = read("datasets/faq/runs/run")
    assert (run["description"], run["metadata"]) == ("why", {"m": 1})
    items = {item["id"]: item for item in read("dataset-items", datasetName="faq")["data"]}
    linked = run["datasetRunItems"]
    assert sorted(items[item["datasetItemId"]]["input"]["q"] for item in linked) == [1, 2]
    since = {"fromStartTime": "2020-01-01T00:00:00Z"}
    [experiment] = read("experiments", **since, name="run", fields="core,scores")["data"]
    assert (experiment["id"], experiment["itemCount"]) == (run["id"], 2)
    # The first SDKs judge items alone.
    assert [item["value"] for item in experiment["scores"]] in ([], [0.5])
    wanted = {"experimentName": "run", "fields": "core,io,scores"}
    answered = read("experiment-items", **since, **wanted)["data"]
    assert len(answered) == 2
    for item in answered:
        assert str(item["output"]) == str(item["expectedOutput"])
        assert [score["name"] for score in item["scores"]] == ["right"]
    read_report = report["datasets"].get("read")
    if read_report is not None:
        assert read_report["experiments"] == [["run", 2, [0.5]]]
        assert read_report["items"] == [[1, 1, ["right"]], [2, 2, ["right"]]]


def _reads(report: Any, _read: Read) -> None:
    reads = report["reads"]
    assert report.get("auth", True) is True
    assert reads["name"] == "chat"
    assert {"llm", "note", "step"} <= set(reads["observations"])
    assert {"llm", "note", "step"} <= set(reads["listed"])
    assert reads["one"] is True
    assert reads["traces"] == [report["chat"]]
    assert "session" in reads["sessions"]
    assert {"flag", "label", "number", "span"} <= set(reads.get("scores", _SCORES))
    assert reads["cost"] is True


def _types(report: Any, read: Read) -> None:
    sent = report["types"]
    [observation] = read("observations", traceId=sent["trace"])["data"]
    trace = read(f"traces/{sent['trace']}")
    for document in (observation, trace):
        metadata = {name: document["metadata"].get(name) for name in sent["metadata"]}
        # As JSON, since 1 and true are equal in Python.
        assert json.dumps(metadata) == json.dumps(sent["metadata"])
        assert json.dumps(document["input"]) == json.dumps(sent["input"])
        assert json.dumps(document["output"]) == json.dumps(sent["output"])
    condition = {"type": "stringObject", "column": "metadata", "key": "later", "operator": "="}
    rows = read("traces", filter=json.dumps([{**condition, "value": "7"}]))["data"]
    assert [row["id"] for row in rows] == [sent["trace"]]


def _references(report: Any, _read: Read) -> None:
    labels = ["production", "eu", "latest", "staging"]
    expected = {"text": "Answer kindly", "labels": labels, "deleted": 400}
    assert {"deleted": 400, **report["references"]} == expected


def _items_with_media(report: Any, read: Read) -> None:
    assert report["items with media"] == "picture"
    [item] = read("dataset-items", datasetName="pictures")["data"]
    assert (item["id"], len(item["mediaReferences"])) == ("p1", 1)


def _experiment_alone(report: Any, read: Read) -> None:
    assert report["experiment alone"] == [1, 2]
    since = {"fromStartTime": "2020-01-01T00:00:00Z"}
    experiments = read("experiments", **since, fields="core")["data"]
    alone = [row for row in experiments if row["datasetId"] is None]
    # Without a dataset, not every SDK reports an experiment; its traces are there anyway.
    # SDK 3 makes an experiment of each item.
    assert sum(row["itemCount"] for row in alone) in (0, 2), alone
    scores = read("v2/scores", name="right")["data"]
    assert len(scores) == 4, scores


def _batch_evaluation(report: Any, read: Read) -> None:
    assert report["batch evaluation"] == [1, 1]
    [score] = read("v2/scores", name="batch")["data"]
    assert score["value"] == 0.25
    assert score["observationId"] == _spans(read, report["chat"])["llm"]["id"]


_SCORES: Final = ("flag", "label", "number", "span")


def _litellm(report: Any, read: Read) -> None:
    generations = read("observations", type="GENERATION", userId="user", fields=_GROUPS)["data"]
    [generation] = [
        generation
        for generation in generations
        if read(f"traces/{generation['traceId']}")["name"] == report["litellm"]
    ]
    assert generation["model"].removeprefix("openai/").startswith("gpt-4o")
    assert generation["usageDetails"]["total"] > 0
    assert generation["calculatedTotalCost"] > 0
    assert generation["input"]
    assert generation["output"]
    assert read(f"traces/{generation['traceId']}")["sessionId"] == "session"


_CHECKS: Final[dict[str, Callable[[Any, Read], None]]] = {
    "decorators": _decorators,
    "nested generation": _nested_generation,
    "trace attributes": _trace_attributes,
    "scores": _scores,
    "OpenAI": _openai,
    "LangChain": _langchain,
    "prompts": _prompts,
    "media": _media,
    "datasets and experiments": _datasets,
    "reads": _reads,
    "LiteLLM": _litellm,
    "types of values": _types,
    "prompt references": _references,
    "dataset items with media": _items_with_media,
    "experiments without a dataset": _experiment_alone,
    "batch evaluation": _batch_evaluation,
}
