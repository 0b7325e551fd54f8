"""Which SDKs are driven, what each one's application does, and what has to come of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support import environments
from tests.support.provider.model_server import model_server

APPLICATIONS: Final = Path(__file__).with_name("applications")
PUBLIC, SECRET = "pk-lf-test", "sk-lf-test"
RUN_SECONDS: Final = 240.0
_WITH: Final = ("openai>=2", "langchain-openai>=1", "langchain>=1")

Read = Callable[..., Any]
"""Reads a path of the JSON API with a query."""


class Sdk(NamedTuple):
    """One client in one version."""

    name: str
    title: str
    package: str
    application: str
    requirements: tuple[str, ...]
    features: tuple[str, ...]
    arguments: tuple[str, ...] = ()


PYTHON: Final = (
    "decorators",
    "nested generation",
    "trace attributes",
    "scores",
    "OpenAI",
    "LangChain",
    "prompts",
    "media",
    "datasets and experiments",
    "reads",
)
JS_3: Final = tuple(name for name in PYTHON if name != "decorators")
LITELLM: Final = ("litellm", "langfuse>=4.7,<5", *environments.OTEL)
SDKS: Final = (
    Sdk(
        "langfuse-python-2",
        "Python 2",
        "langfuse",
        "python_2.py",
        ("langfuse>=2.60,<3", "openai>=1,<2", "langchain-openai<1", "langchain<1"),
        PYTHON,
    ),
    *[
        Sdk(
            f"langfuse-python-{major}",
            f"Python {major}",
            "langfuse",
            "python_otel.py",
            (f"langfuse>={major},<{major + 1}", *_WITH),
            PYTHON,
        )
        for major in (3, 4, 5)
    ],
    Sdk(
        "langfuse-js-3",
        "JavaScript 3",
        "langfuse",
        "js_3.mjs",
        (
            "langfuse@3",
            "langfuse-langchain@3",
            "langchain@0.3",
            "@langchain/core@0.3",
            "@langchain/openai@0.6",
            "openai@5",
        ),
        JS_3,
    ),
    Sdk(
        "langfuse-js-5",
        "JavaScript 5",
        "@langfuse/tracing",
        "js_5.mjs",
        (
            "@langfuse/tracing@5",
            "@langfuse/otel@5",
            "@langfuse/client@5",
            "@langfuse/core@5",
            "@langfuse/openai@5",
            "@langfuse/langchain@5",
            "@langchain/core@1",
            "@langchain/openai@1",
            "openai@6",
            "@opentelemetry/sdk-node",
        ),
        PYTHON,
    ),
    *[
        Sdk(
            "langfuse-litellm",
            f"LiteLLM `{callback}`",
            "litellm",
            "litellm_callbacks.py",
            LITELLM,
            ("LiteLLM",),
            (callback,),
        )
        for callback in ("langfuse", "langfuse_otel")
    ],
)


class Ran(NamedTuple):
    """The report that an application printed, the version of its package, and all its output."""

    report: dict[str, Any]
    version: str
    output: str


def run(sdk: Sdk, url: str) -> Ran:
    """Run the SDK's application against the server at ``url``.

    Raises CannotInstall where its environment can't be made, AssertionError where it fails.
    """
    if sdk.application.endswith(".mjs"):
        directory = environments.node(sdk.name, sdk.requirements)
        script = shutil.copy(APPLICATIONS / sdk.application, directory)
        command = ["node", str(script)]
        version = environments.node_versions(directory, [sdk.package])[sdk.package]
    else:
        interpreter = environments.python(sdk.name, sdk.requirements)
        command = [str(interpreter), str(APPLICATIONS / sdk.application), *sdk.arguments]
        version = environments.python_versions(interpreter, [sdk.package])[sdk.package]
    with model_server() as models, tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            command,
            env={**_environ(url), "MODELS": models, "HOME": home},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return Ran(json.loads(done.stdout.strip().splitlines()[-1]), version, output)


def _environ(url: str) -> dict[str, str]:
    foreign = ("OTEL_", "PYTHON", "TRACER_", "LANGFUSE_", "LANGCHAIN_", "OPENAI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        # The one thing that changes, under the name of each generation, and the keys.
        "LANGFUSE_HOST": url,
        "LANGFUSE_BASE_URL": url,
        "LANGFUSE_BASEURL": url,
        "LANGFUSE_OTEL_HOST": url,
        "LANGFUSE_PUBLIC_KEY": PUBLIC,
        "LANGFUSE_SECRET_KEY": SECRET,
    }


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


def _openai(_report: Any, read: Read) -> None:
    [generation] = read("observations", name="openai", type="GENERATION")["data"]
    assert generation["model"].startswith("gpt-4o")
    assert generation["usageDetails"]["total"] > 0
    assert generation["calculatedTotalCost"] > 0
    assert generation["output"]["content"]


def _langchain(report: Any, read: Read) -> None:
    observations = read("v2/observations", traceId=report["langchain"], fields=_GROUPS)["data"]
    # Where its OpenAI integration is loaded as well, both tell of the call.
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
    [experiment] = read("experiments", **since, fields="core,scores")["data"]
    assert (experiment["id"], experiment["itemCount"]) == (run["id"], 2)
    # The first SDKs judge items alone.
    assert [item["value"] for item in experiment["scores"]] in ([], [0.5])
    answered = read("experiment-items", **since, fields="core,io,scores")["data"]
    assert len(answered) == 2
    for item in answered:
        assert str(item["output"]) == str(item["expectedOutput"])
        assert [score["name"] for score in item["scores"]] == ["right"]
    read_report = report["datasets"].get("read")
    if read_report is not None:
        assert read_report["experiments"] == [["run", 2, [0.5]]]
        assert read_report["items"] == [["1", 1, ["right"]], ["2", 2, ["right"]]]


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
}
